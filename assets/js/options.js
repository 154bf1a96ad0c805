// Chat options: what Gradio's controls hold is read before each turn, and written when a chat is opened.
import {make} from './dom.js';

/** @typedef {Record<string, any>} Options by the names of the table of options */

/**
 * @param {{readOptions: () => void, writeOptions: () => void}} gradio asks it for what the controls hold, or gives it
 * @param {(options: Options) => void} onChange
 */
export const makeOptions = (gradio, onChange) => {
    /** @type {((options: Options) => void)[]} */
    let asking = [];
    /** @type {Options} */
    let given = {};
    const named = (/** @type {string[]} */ order, /** @type {any[]} */ values) => Object.fromEntries(order.map((name, place) => [name, values[place]]));
    const calls = {
        hearOptions: (/** @type {string[]} */ order, /** @type {any[]} */ values) => {
            const waiting = asking;
            asking = [];
            for (const resolve of waiting) resolve(named(order, values));
        },
        seeOptions: (/** @type {string[]} */ order, /** @type {any[]} */ values) => onChange(named(order, values)),
        giveOptions: (/** @type {string[]} */ order) => order.map((name) => given[name]),
    };
    return {
        calls,
        /** What the controls hold now. @returns {Promise<Options>} */
        read: () => new Promise((resolve) => { asking.push(resolve); gradio.readOptions(); }),
        /** Have the controls show these. @param {Options} options */
        write: (options) => {
            given = options;
            gradio.writeOptions();
        },
    };
};

/** The options that a chat carries, as the controls hold them: numbers that may be missing, and lines, are texts.
 * @param {any} options of a chat, as it is kept @param {Options} defaults by name, as the controls hold them */
export const asControls = (options, defaults) => {
    if (!options) return defaults;
    const flat = {...options, ...options.sampling};
    return Object.fromEntries(Object.entries(defaults).map(([name, held]) => {
        const value = flat[name];
        if (value === undefined) return [name, held];
        if (typeof held === 'boolean') return [name, Boolean(value)];
        if (typeof held !== 'string') return [name, value];
        return [name, Array.isArray(value) ? value.join('\n') : String(value ?? '')];
    }));
};

/** Grey the controls that the model cannot use, with the reason; let replies have up to `longest` tokens.
 * @param {Record<string, string>} features which feature of an engine an option needs, by its name
 * @param {Record<string, string>} missing why the engine lacks a feature */
export const greyOptions = (features, missing) => {
    for (const [name, feature] of Object.entries(features)) {
        const control = document.getElementById(`option-${name}`);
        if (!control || !feature) continue;
        const reason = missing[feature] ?? '';
        for (const input of control.querySelectorAll('input, textarea, button')) /** @type {HTMLInputElement} */ (input).disabled = Boolean(reason);
        control.classList.toggle('greyed', Boolean(reason));
        let note = control.querySelector('.reason');
        if (!note && reason) {
            note = make('p', {class: 'reason'});
            control.append(note);
        }
        if (note) note.textContent = reason;
    }
};
