// How the scripts of the page build what they show. Text goes in as text, never as markup.

/** @typedef {Record<string, string | number | boolean | undefined | ((event: any) => unknown)>} Attributes */

/**
 * make('button', {class: 'x', 'aria-label': 'y', onclick: f}, 'text', node, ...)
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === 'function') node.addEventListener(name.slice(2), value);
        else if (value === true) node.setAttribute(name, '');
        else if (value !== false && value !== undefined) node.setAttribute(name, String(value));
    }
    node.append(...children.filter((child) => child !== null));
    return node;
};

/** Do something when the browser has time; Safari does not say when that is.
 * @type {(work: () => void) => number} */
export const whenIdle = globalThis.requestIdleCallback ?? ((work) => setTimeout(work, 50));
/** @type {(waiting: number) => void} */
export const cancelIdle = globalThis.cancelIdleCallback ?? clearTimeout;

/** A button that does something, unlike one that submits a form.
 * @param {Attributes} attributes
 * @param {...(Node | string | null)} children */
export const button = (attributes, ...children) => make('button', {type: 'button', ...attributes}, ...children);

/** The element of an id that the page is known to have.
 * @param {string} id */
export const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

// Strokes in a box of 24.
const PATHS = {
    add: ['M12 5v14M5 12h14'],
    attach: ['M20 11.5l-8.2 8.2a5 5 0 0 1-7.100-7.100l8.500-8.500a3.400 3.400 0 0 1 4.800 4.800l-8.500 8.500a1.700 1.700 0 0 1-2.400-2.400l7.600-7.600'],
    auto: ['M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0', 'M12 3v18M12 7.5h7M12 12h9M12 16.5h7'],
    back: ['M15 5l-7 7 7 7'],
    book: ['M12 6c-2-1.5-5-2-9-2v14c4 0 7 .5 9 2 2-1.5 5-2 9-2V4c-4 0-7 .5-9 2z', 'M12 6v14'],
    chat: ['M4 5h16v11H9l-5 4z', 'M8 9h8M8 12h5'],
    chip: ['M7 7h10v10H7z', 'M10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4'],
    close: ['M6 6l12 12M18 6L6 18'],
    compare: ['M4 5h6v14H4zM14 5h6v14h-6z'],
    continue: ['M6 5v14l9-7z', 'M19 5v14'],
    copy: ['M11 9h7a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2z', 'M5 15H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v1'],
    edit: ['M4 20l1-4L16 5l3 3L8 19z', 'M14 7l3 3'],
    file: ['M6 3h8l5 5v13H6z', 'M14 3v5h5'],
    files: ['M12 4v11M8 11l4 4 4-4M4 19h16'],
    info: ['M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0', 'M12 11v6M12 7v.2'],
    moon: ['M20 14.500A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.500z'],
    more: ['M5 12h.01M12 12h.01M19 12h.01'],
    next: ['M9 5l7 7-7 7'],
    panel: ['M6 4h12a3 3 0 0 1 3 3v10a3 3 0 0 1-3 3H6a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3z', 'M9 4v16'],
    pin: ['M9 4h6l-1 6 3 3v2H7v-2l3-3z', 'M12 15v6'],
    prompt: ['M8 6l-5 6 5 6M16 6l5 6-5 6'],
    remove: ['M4 7h16M9 7V5a1 1 0 0 1 1-1h4a1 1 0 0 1 1 1v2M6 7l1 12a1 1 0 0 0 1 1h8a1 1 0 0 0 1-1l1-12'],
    replay: ['M4 12a8 8 0 1 1 2.3 5.6', 'M4 20v-6h6', 'M11 9v6l4-3z'],
    retry: ['M20 11a8 8 0 1 0-2.3 6.3', 'M20 4v7h-7'],
    send: ['M12 20V5M5 12l7-7 7 7'],
    sliders: ['M4 7h8M18 7h2M4 17h2M12 17h8', 'M12.5 7a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0', 'M6.5 17a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0'],
    stop: ['M6 6h12v12H6z'],
    sun: ['M8 12a4 4 0 1 0 8 0a4 4 0 1 0-8 0', 'M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.400M17.6 17.600L19 19M19 5l-1.4 1.400M6.4 17.600L5 19'],
    tools: ['M14.5 6.500a4.5 4.5 0 0 1 6-1.500l-3 3 1.5 1.5 3-3a4.5 4.5 0 0 1-6 6L8 20.500a2 2 0 0 1-3-3z'],
    why: ['M3 12a9 9 0 1 0 18 0a9 9 0 1 0-18 0', 'M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7', 'M12 16.8v.2'],
};
/** @typedef {keyof typeof PATHS} Picture */

/** A small picture in the colour of the text around it.
 * @param {Picture} name */
export const icon = (name) => {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const attributes = {
        viewBox: '0 0 24 24', width: 16, height: 16, fill: 'none', stroke: 'currentColor', 'stroke-width': 2,
        'stroke-linecap': 'round', 'stroke-linejoin': 'round', 'aria-hidden': true,
    };
    for (const [attribute, value] of Object.entries(attributes)) svg.setAttribute(attribute, String(value));
    for (const path of PATHS[name]) {
        const stroke = document.createElementNS(svg.namespaceURI, 'path');
        stroke.setAttribute('d', path);
        svg.append(stroke);
    }
    return svg;
};

/** Copy a text; the button says what came of it, then is itself again.
 * @param {string} text
 * @param {HTMLElement} pressed */
export const copy = async (text, pressed) => {
    if (pressed.classList.contains('copied')) return;
    const label = [...pressed.childNodes];
    let done = true;
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        // Where the clipboard is refused (plain http), select the text instead.
        const area = make('textarea', {});
        area.value = text;
        // Behind an open dialog nothing can be selected.
        (pressed.closest('dialog') ?? document.body).append(area);
        area.select();
        done = document.execCommand('copy');
        area.remove();
        pressed.focus();
    }
    pressed.classList.add('copied');
    pressed.textContent = done ? 'Copied' : 'Not allowed';
    setTimeout(() => { pressed.replaceChildren(...label); pressed.classList.remove('copied'); }, 1500);
};

/** Let a text box grow with its text.
 * @param {HTMLTextAreaElement} area */
export const fit = (area) => {
    area.style.height = 'auto';
    area.style.height = `${area.scrollHeight + 2}px`;
};

/** Write into a box of Gradio's, which hears what is typed and not what is assigned.
 * @param {HTMLTextAreaElement} area @param {string} text */
export const typeInto = (area, text) => {
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')?.set?.call(area, text);
    area.dispatchEvent(new Event('input', {bubbles: true}));
};
