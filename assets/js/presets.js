// The menu of system prompts: the ready-made ones, and the visitor's own, which this browser keeps.
import {button, find, make, typeInto} from './dom.js';

const PLACE = 'llama-ui:presets';
const NONE = 'None';
const CUSTOM = 'Custom';

/** @typedef {{name: string, text: string}} Preset */

/** @param {Preset[]} readyMade @param {(text: string, undo: () => void) => void} say */
export const makePresets = (readyMade, say) => {
    /** @type {Preset[]} */
    let own = [];
    const readOwn = () => {
        try {
            const kept = JSON.parse(localStorage.getItem(PLACE) ?? '[]');
            own = kept.filter((/** @type {any} */ preset) => typeof preset?.name === 'string' && typeof preset?.text === 'string');
        } catch { /* refused or damaged: there are none */ }
    };
    // Answers whether they were kept.
    const writeOwn = (/** @type {Preset[]} */ presets) => {
        own = presets;
        try { localStorage.setItem(PLACE, JSON.stringify(own)); return true; } catch { return false; }
    };

    const area = () => /** @type {HTMLTextAreaElement} */ (document.querySelector('#option-system textarea'));
    const type = (/** @type {string} */ text) => typeInto(area(), text);
    /** @type {HTMLSelectElement} */
    const menu = make('select', {id: 'preset', 'aria-label': 'Ready-made system prompts', onchange: () => choose(Number(menu.value))});
    const save = button({onclick: () => askName()}, 'Save as…');
    const remove = button({onclick: () => {
        const [gone, before] = [inUse(), own];
        writeOwn(own.filter((preset) => preset !== gone));
        draw();
        menu.focus();
        say('The preset is deleted.', () => { writeOwn(before); draw(); });
    }}, 'Delete');
    const trouble = make('span', {role: 'status', class: 'trouble'});
    const bar = make('div', {class: 'bar'}, make('label', {for: 'preset'}, 'Preset'), menu, save, remove, trouble);

    const all = () => [{name: NONE, text: ''}, ...readyMade, ...own];
    const inUse = () => all().find(({text}) => text.trim() === area().value.trim());
    const choose = (/** @type {number} */ place) => {
        const preset = all()[place];
        if (preset) type(preset.text);
        draw();
    };
    const draw = () => {
        readOwn();
        const presets = all();
        const used = inUse();
        const option = (/** @type {Preset} */ preset) => make('option', {value: presets.indexOf(preset), selected: preset === used}, preset.name);
        const group = (/** @type {string} */ label, /** @type {Preset[]} */ some) => make('optgroup', {label}, ...some.map(option));
        menu.replaceChildren(
            ...(used ? [] : [make('option', {value: '', selected: true}, CUSTOM)]),
            option(presets[0]), group('Ready-made', readyMade), ...(own.length ? [group('Yours', own)] : []));
        save.hidden = Boolean(used);
        remove.hidden = !used || !own.includes(used);
    };
    // Ask for a name, in the place of the buttons.
    const askName = () => {
        const field = make('input', {maxlength: 40, placeholder: 'Name of the preset', 'aria-label': 'Name of the preset', required: true});
        const close = () => { form.replaceWith(bar); draw(); menu.focus(); };
        const form = make('form', {class: 'bar', onsubmit: (event) => {
            event.preventDefault();
            const given = field.value.trim();
            if (!given) return;
            const same = (/** @type {Preset} */ preset) => preset.name.toLowerCase() === given.toLowerCase();
            if (readyMade.some(same) || [NONE, CUSTOM].includes(given)) {
                field.setCustomValidity('A ready-made preset has this name. Choose another.');
                field.reportValidity();
                return;
            }
            const before = own;
            const isKept = writeOwn([...own.filter((preset) => !same(preset)), {name: given, text: area().value}]);
            if (isKept && own.length === before.length) say('The preset is replaced.', () => { writeOwn(before); draw(); });
            trouble.textContent = isKept ? '' : 'This browser does not keep it: its storage is full or closed.';
            close();
        }}, field, make('button', {type: 'submit'}, 'Save'), button({onclick: close}, 'Cancel'));
        field.addEventListener('input', () => field.setCustomValidity(''));
        field.addEventListener('keydown', (event) => {
            if (event.key === 'Escape') { event.stopPropagation(); close(); }
        });
        bar.replaceWith(form);
        field.focus();
    };

    find('presets').querySelector('.presets')?.append(bar);
    draw();
    area().addEventListener('input', draw);
    window.addEventListener('storage', ({key}) => { if (key === PLACE) draw(); });
    return {draw};
};
