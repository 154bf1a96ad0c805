// How full the context window is: a ring that unfolds into an itemised bar; and the exact prompt.
import {button, copy, find, make} from './dom.js';
import {openDialog} from './dialog.js';

/** @type {Record<string, string>} */
const PARTS = {system: 'system', history: 'history', attached: 'attached', message: 'draft', reply: 'reply so far', template: 'formatting', reserved: 'reserved for reply'};
/** @type {Record<string, string>} */
const KINDS = {template: 'formatting', system: 'system prompt', user: 'you', assistant: 'reply', reply: 'reply so far'};
const AROUND = 2 * Math.PI * 7;  // of the ring
const number = (/** @type {number} */ value) => value.toLocaleString('en-US');

/** @param {number} share of the window that is used */
const drawRing = (share) => {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    for (const [name, value] of [['viewBox', '0 0 18 18'], ['width', '18'], ['height', '18'], ['aria-hidden', 'true']]) svg.setAttribute(name, value);
    for (const [kind, length] of /** @type {[string, number][]} */ ([['around', 1], ['used', Math.min(1, share)]])) {
        const circle = document.createElementNS(svg.namespaceURI, 'circle');
        for (const [name, value] of [['class', kind], ['cx', '9'], ['cy', '9'], ['r', '7'], ['stroke-dasharray', `${length * AROUND} ${AROUND}`]]) circle.setAttribute(name, value);
        svg.append(circle);
    }
    return svg;
};

/** Show what fills the context window; nothing where that is not known.
 * @param {{window: number | null, counts: Record<string, number>, reserved: number, left_out: number[]}} measured */
export const drawMeter = ({window, counts, reserved, left_out: leftOut}) => {
    const ring = find('ring');
    ring.hidden = !window;
    if (!window) { find('meter').replaceChildren(); return; }
    /** @type {Record<string, number>} */
    const all = {...counts, reserved};
    const shown = Object.keys(PARTS).filter((part) => all[part]);
    const used = shown.reduce((sum, part) => sum + all[part], 0) - reserved;
    const percent = `${Math.round(100 * used / window)} %`;
    ring.replaceChildren(drawRing(used / window), make('span', {class: 'share'}, percent), make('span', {class: 'words'}, ' of context used'));
    ring.title = 'What fills the context window';
    ring.setAttribute('aria-label', `${percent} of context used`);
    const bar = shown.map((part) => make('i', {class: `part-${part}`, style: `width:${(100 * all[part] / window).toFixed(2)}%`}));
    const words = shown.flatMap((part) => [make('span', {}, make('b', {class: `part-${part}`}), `${PARTS[part]} ${number(all[part])}`), ' ']);
    const gone = leftOut.length / 2;
    const warning = gone ? [make('em', {}, `${number(gone)} earlier exchange${gone > 1 ? 's' : ''} won't fit and will be left out.`)] : [];
    find('meter').replaceChildren(make('div', {class: 'meter'}, make('div', {
        class: 'bar', role: 'meter', 'aria-label': `${number(used)} of ${number(window)} tokens of the context window are used`,
        'aria-valuenow': used, 'aria-valuemin': 0, 'aria-valuemax': window,
    }, ...bar), make('p', {}, make('strong', {}, `${number(used)} / ${number(window)} tokens`), ' ', ...words)), ...warning);
};

/** The ring unfolds the bar. */
export const makeRing = () => {
    const ring = find('ring');
    ring.addEventListener('click', () => {
        const isOpen = find('meter').classList.toggle('open');
        ring.setAttribute('aria-expanded', String(isOpen));
    });
};

/** Show a prompt token by token, each part labelled, over the page.
 * @param {{title: string, parts: {part: string, text: string, ids: number[], pieces: string[]}[], text: string, ids: number[], counts: Record<string, number>}} prompt */
export const showPrompt = (prompt) => {
    const visible = (/** @type {string} */ piece) => piece.replaceAll('\n', '↵\n');
    const rows = prompt.parts.map(({part, ids, pieces}) => make('span', {class: `segment part-${part}`, 'data-part': KINDS[part]},
        ...ids.map((id, place) => make('i', {title: id}, visible(pieces[place])))));
    const counts = Object.entries(prompt.counts).filter(([, count]) => count).map(([part, count]) => `${PARTS[part]} ${number(count)}`).join(' · ');
    const content = {text: prompt.text, ids: prompt.ids, parts: prompt.parts.map(({part, text, ids}) => ({part, text, ids})), counts: prompt.counts};
    const copying = (/** @type {string} */ label, /** @type {() => string} */ text) => {
        const pressed = button({onclick: () => copy(text(), pressed)}, label);
        return pressed;
    };
    openDialog({id: 'inspector', title: prompt.title, bar: [
        copying('Copy text', () => content.text), copying('Copy ids', () => content.ids.join(' ')),
        copying('Copy JSON', () => JSON.stringify(content, null, 1)),
    ]}, make('p', {}, `${number(prompt.ids.length)} tokens: ${counts}`), make('div', {class: 'prompt ids', tabindex: 0, role: 'region', 'aria-label': 'Tokens'}, ...rows));
};
