// Chat options: what Gradio's controls hold is read before each turn, and written when a chat is opened.
import {make} from './dom.js';

/** @typedef {Record<string, any>} Options by the names of the table of options */

/**
 * @param {{readOptions: () => void, writeOptions: () => void}} gradio asks it for what the controls hold, or gives it
 * @param {(options: Options) => void} onChange
 * @param {() => string[]} lacking names of options that the model cannot use
 */
export const makeOptions = (gradio, onChange, lacking) => {
    /** @type {((options: Options) => void)[]} */
    let asking = [];
    /** @type {Options} */
    let given = {};
    /** What the controls hold, as far as it is known here. @type {Options | null} */
    let now = null;
    const named = (/** @type {string[]} */ order, /** @type {any[]} */ values) => Object.fromEntries(order.map((name, place) => [name, values[place]]));
    const calls = {
        hearOptions: (/** @type {string[]} */ order, /** @type {any[]} */ values) => {
            const waiting = asking;
            asking = [];
            now = named(order, values);
            // A check box that is greyed is off, whatever it shows, and the answer form free.
            const off = lacking().filter((name) => name === 'form' || typeof now?.[name] === 'boolean').map((name) => [name, name === 'form' ? 'free' : false]);
            for (const resolve of waiting) resolve({...now, ...Object.fromEntries(off)});
        },
        seeOptions: (/** @type {string[]} */ order, /** @type {any[]} */ values) => {
            now = named(order, values);
            onChange(now);
        },
        giveOptions: (/** @type {string[]} */ order) => order.map((name) => given[name]),
    };
    const write = (/** @type {Options} */ options) => {
        given = options;
        now = options;
        gradio.writeOptions();
        onChange(now);
    };
    return {
        calls,
        get now() { return now; },
        /** What the controls hold now. @returns {Promise<Options>} */
        read: () => new Promise((resolve) => { asking.push(resolve); gradio.readOptions(); }),
        /** Have the controls show these. */
        write,
        /** Change some of them. @param {Options} some */
        set: (some) => write({...now, ...some}),
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

/** Options as a tab remembered them over a reload; null when there are none that fit.
 * @param {string} text @param {Options} defaults by name, as the controls hold them
 * @returns {Options | null} */
export const asKept = (text, defaults) => {
    try {
        const kept = JSON.parse(text);
        const fits = (/** @type {string} */ name) => typeof kept[name] === typeof defaults[name];
        return Object.keys(defaults).every(fits) ? Object.fromEntries(Object.keys(defaults).map((name) => [name, kept[name]])) : null;
    } catch {
        return null;
    }
};
