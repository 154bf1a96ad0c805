// The chips under the message box: tools, and how adventurous the model is.
import {button, find, icon, make} from './dom.js';

const CUSTOM = 'Custom';

/**
 * @param {Record<string, Record<string, number>>} samplings options by the name of a style
 * @param {{set: (some: Record<string, number>) => void}} options
 */
export const makeChips = (samplings, options) => {
    const names = Object.keys(samplings);
    const choose = (/** @type {string} */ name) => { if (name in samplings) options.set(samplings[name]); };
    // Gradio's own check box: with it come the options that a model needs with tools.
    const tools = button({class: 'chip', 'aria-label': 'Tools', 'aria-pressed': 'false', title: 'Let the model use tools', onclick: () => {
        /** @type {HTMLInputElement} */ (document.querySelector('#option-tools input')).click();
    }}, icon('tools'), make('span', {}, 'Tools'));
    const radios = names.map((name, place) => button({role: 'radio', title: `${name} replies`, onclick: () => choose(name), onkeydown: (event) => {
        const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[/** @type {string} */ (event.key)];
        if (!step) return;
        event.preventDefault();
        const next = (place + step + names.length) % names.length;
        choose(names[next]);
        radios[next].focus();
    }}, name));
    /** @type {HTMLSelectElement} */
    const select = make('select', {'aria-label': 'Style of the replies', title: 'Style of the replies', onchange: () => choose(select.value)},
        ...[...names, CUSTOM].map((name) => make('option', {hidden: name === CUSTOM}, name)));
    find('chips').append(tools, make('div', {class: 'styles', role: 'radiogroup', 'aria-label': 'Style of the replies'}, ...radios), select);
    return {
        /** Show what the options are. @param {Record<string, any>} now */
        draw: (now) => {
            tools.setAttribute('aria-pressed', String(Boolean(now.tools)));
            const active = names.find((name) => Object.entries(samplings[name]).every(([option, value]) => Number(now[option]) === value));
            radios.forEach((radio, place) => {
                radio.setAttribute('aria-checked', String(names[place] === active));
                // One stop for the keyboard, as radio buttons have it.
                radio.tabIndex = names[place] === active || (!active && place === 0) ? 0 : -1;
            });
            select.value = active ?? CUSTOM;
        },
    };
};
