// The menu of system prompts: the ready-made ones (`props.value`), and the visitor's own, which this
// browser keeps. Runs once, with the place over the system prompt as `element`.
const PLACE = 'llama-ui:presets';
const NONE = 'None';
const CUSTOM = 'Custom';

let own = [];
const readOwn = () => {
    try {
        const kept = JSON.parse(localStorage.getItem(PLACE)) ?? [];
        own = kept.filter(({name, text}) => typeof name === 'string' && typeof text === 'string');
    } catch { /* refused or damaged: there are none */ }
};
// Answers whether they were kept.
const writeOwn = (presets) => {
    own = presets;
    try { localStorage.setItem(PLACE, JSON.stringify(own)); return true; } catch { return false; }
};

const area = () => document.querySelector('#system textarea');
const menu = make('select', {id: 'preset', 'aria-label': 'Ready-made system prompts', onchange: () => choose(menu.value)});
const save = button({onclick: () => name()}, 'Save as…');
const remove = button({onclick: () => {
    writeOwn(own.filter((preset) => preset !== inUse()));
    draw();
    menu.focus();
}}, 'Delete');
const trouble = make('span', {role: 'status', class: 'trouble'});
const bar = make('div', {class: 'bar'}, make('label', {for: 'preset'}, 'Preset'), menu, save, remove, trouble);

const all = () => [{name: NONE, text: ''}, ...props.value, ...own];
const inUse = () => all().find(({text}) => text.trim() === area().value.trim());
const choose = (place) => {
    const preset = all()[place];
    if (preset) type(area(), preset.text);
    draw();
};
const draw = () => {
    if (!area()) { setTimeout(draw, 20); return; }  // Gradio draws its parts one after the other
    readOwn();
    const presets = all();
    const used = inUse();
    const option = (preset) => make('option', {value: presets.indexOf(preset), selected: preset === used}, preset.name);
    const group = (label, some) => make('optgroup', {label}, ...some.map(option));
    menu.replaceChildren(
        ...(used ? [] : [make('option', {value: '', selected: true}, CUSTOM)]),
        option(presets[0]), group('Ready-made', props.value), ...(own.length ? [group('Yours', own)] : []));
    save.hidden = Boolean(used);
    remove.hidden = !own.includes(used);
};
// Ask for a name, in the place of the buttons.
const name = () => {
    const field = make('input', {maxlength: 40, placeholder: 'Name of the preset', 'aria-label': 'Name of the preset', required: true});
    const close = () => { form.replaceWith(bar); draw(); menu.focus(); };
    const form = make('form', {class: 'bar', onsubmit: (event) => {
        event.preventDefault();
        const given = field.value.trim();
        if (!given) return;
        const others = own.filter((preset) => preset.name !== given);
        const isKept = writeOwn([...others, {name: given, text: area().value}]);
        trouble.textContent = isKept ? '' : 'This browser does not keep it: its storage is full or closed.';
        close();
    }}, field, make('button', {type: 'submit'}, 'Save'), button({onclick: close}, 'Cancel'));
    field.addEventListener('keydown', (event) => {
        if (event.key === 'Escape') { event.stopPropagation(); close(); }
    });
    bar.replaceWith(form);
    field.focus();
};

element.querySelector('.presets').append(bar);
draw();
document.addEventListener('system-prompt', draw);
window.addEventListener('storage', ({key}) => { if (key === PLACE) draw(); });
