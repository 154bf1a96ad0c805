// The meter of the context window, and the exact prompt in a panel of its own.
import {button, copy, find, make} from './dom.js';

/** @type {Record<string, string>} */
const PARTS = {system: 'system', history: 'history', message: 'draft', reply: 'reply so far', template: 'formatting', reserved: 'reserved for reply'};
/** @type {Record<string, string>} */
const KINDS = {template: 'formatting', system: 'system prompt', user: 'you', assistant: 'reply', reply: 'reply so far'};
const number = (/** @type {number} */ value) => value.toLocaleString('en-US');

/** A bar of what fills the context window.
 * @param {{window: number, counts: Record<string, number>, reserved: number, left_out: number[]}} measured */
export const drawMeter = ({window, counts, reserved, left_out: leftOut}) => {
    /** @type {Record<string, number>} */
    const all = {...counts, reserved};
    const shown = Object.keys(PARTS).filter((part) => all[part]);
    const total = shown.reduce((sum, part) => sum + all[part], 0);
    const bar = shown.map((part) => make('i', {class: `part-${part}`, style: `width:${(100 * all[part] / window).toFixed(2)}%`}));
    const words = shown.flatMap((part) => [make('span', {}, make('b', {class: `part-${part}`}), `${PARTS[part]} ${number(all[part])}`), ' ']);
    const gone = leftOut.length / 2;
    const warning = gone ? make('em', {}, `${gone} earlier exchange${gone > 1 ? 's' : ''} won't fit and will be left out.`) : null;
    return make('div', {
        class: 'meter', role: 'meter', 'aria-label': `${number(total)} of ${number(window)} tokens of the context window are taken`,
        'aria-valuenow': total, 'aria-valuemin': 0, 'aria-valuemax': window,
    }, make('div', {class: 'bar'}, ...bar), make('p', {}, make('strong', {}, `${number(total)} / ${number(window)}`), ' ', ...words, warning));
};

/** Show a prompt token by token, each part labelled, over the page.
 * @param {{title: string, parts: {part: string, text: string, ids: number[], pieces: string[]}[], text: string, ids: number[], counts: Record<string, number>}} prompt */
export const showPrompt = (prompt) => {
    const panel = find('inspector');
    const opener = /** @type {HTMLElement | null} */ (document.activeElement);
    const visible = (/** @type {string} */ piece) => piece.replaceAll('\n', '↵\n');
    const rows = prompt.parts.map(({part, ids, pieces}) => make('span', {class: `segment part-${part}`, 'data-part': KINDS[part]},
        ...ids.map((id, place) => make('i', {title: id}, visible(pieces[place])))));
    const counts = Object.entries(prompt.counts).filter(([, count]) => count).map(([part, count]) => `${PARTS[part]} ${number(count)}`).join(' · ');
    const content = {text: prompt.text, ids: prompt.ids, parts: prompt.parts.map(({part, text, ids}) => ({part, text, ids})), counts: prompt.counts};
    const close = () => {
        panel.hidden = true;
        panel.classList.remove('open');
        backdrop.remove();
        (opener?.isConnected ? opener : find('show-prompt')).focus();
    };
    const copying = (/** @type {string} */ label, /** @type {() => string} */ text) => {
        const pressed = button({onclick: () => copy(text(), pressed)}, label);
        return pressed;
    };
    const last = button({onclick: close}, 'Close');
    const backdrop = make('div', {class: 'modal-backdrop', onclick: close});
    panel.replaceChildren(make('div', {class: 'prompt'},
        make('div', {class: 'prompt-bar'},
            copying('Copy text', () => content.text), copying('Copy ids', () => content.ids.join(' ')),
            copying('Copy JSON', () => JSON.stringify(content, null, 1)), last),
        make('h3', {}, prompt.title), make('p', {}, `${number(prompt.ids.length)} tokens: ${counts}`),
        make('div', {class: 'ids', tabindex: 0}, ...rows)));
    panel.onkeydown = (event) => {
        if (event.key === 'Escape') { event.stopPropagation(); close(); }
        if (event.key !== 'Tab') return;
        // The focus stays in the panel.
        const reachable = /** @type {NodeListOf<HTMLElement>} */ (panel.querySelectorAll('button, [tabindex="0"]'));
        const [first, end] = [reachable[0], reachable[reachable.length - 1]];
        const leaving = event.shiftKey ? document.activeElement === first : document.activeElement === end;
        if (leaving) { event.preventDefault(); (event.shiftKey ? end : first).focus(); }
    };
    panel.before(backdrop);
    panel.hidden = false;
    panel.classList.add('open');
    last.focus();
};
