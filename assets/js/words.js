// Why these words: a reply shaded by how likely each token was, and what else it could have been.
import {button, find, make} from './dom.js';

/** A token that was drawn; `top` holds the likeliest at its place: id, text, log-probability, and
 * whether a reply can go on from it; `barred` those that the answer form does not allow.
 * @typedef {{id: number, piece: string, ends: boolean, logprob: number | null, top: [number, string, number, boolean][], barred?: number[]}} Token */

const LIMITS = [0.9, 0.6, 0.3, 0.1];  // of the shades, from sure to surprising

const visible = (/** @type {string} */ piece) => piece.replaceAll('\n', '↵\n');
const percent = (/** @type {number} */ logprob) => {
    const share = 100 * Math.exp(logprob);
    return share < 0.1 ? '< 0.1 %' : `${share.toFixed(1)} %`;
};

const menu = make('div', {class: 'alternatives', role: 'menu'});
document.addEventListener('mousemove', ({target}) => {
    if (target instanceof Element && !target.closest('.alternatives, .tokens i')) menu.remove();
});
/** The word that the menu is of. @type {HTMLElement | null} */
let opener = null;
document.addEventListener('scroll', () => menu.remove(), {capture: true, passive: true});
document.addEventListener('keydown', ({key}) => { if (key === 'Escape') menu.remove(); });
// The keys of a menu: up and down go round, Escape goes back to the word.
const walk = (/** @type {number} */ by) => {
    const buttons = /** @type {HTMLButtonElement[]} */ ([...menu.querySelectorAll('button:enabled')]);
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    buttons[(at + by + buttons.length) % buttons.length]?.focus();
};
menu.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        event.preventDefault();
        walk(event.key === 'ArrowDown' ? 1 : -1);
    }
    if (event.key === 'Escape') { event.stopPropagation(); opener?.focus({preventScroll: true}); menu.remove(); }
});

/** @param {Token[]} tokens @param {number} place @param {HTMLElement} word @param {(ids: number[]) => void} branch */
const open = (tokens, place, word, branch) => {
    // While a reply is written nothing can branch.
    if (find('running').firstChild) return;
    opener = word;
    const barred = new Set(tokens[place].barred);
    menu.replaceChildren(...tokens[place].top.map(([id, piece, logprob, goesOn]) => button({
        role: 'menuitem',
        class: barred.has(id) ? 'barred' : '',
        disabled: !goesOn || barred.has(id),
        title: barred.has(id) ? 'The answer form does not allow it here' : 'Let the reply go on from here with this word',
        onclick: () => { menu.remove(); branch([...tokens.slice(0, place).map((token) => token.id), id]); },
    }, make('span', {}, goesOn ? visible(piece).replaceAll(' ', '·') : 'end of the reply'), make('span', {}, percent(logprob)))));
    // Beside the text, not in it: the menu must not move the words.
    find('frame').append(menu);
    const around = word.getBoundingClientRect();
    const left = Math.min(around.left, window.innerWidth - menu.offsetWidth - 8);
    const above = around.bottom + menu.offsetHeight + 8 > window.innerHeight;
    menu.style.left = `${Math.max(8, left)}px`;
    menu.style.top = `${above ? around.top - menu.offsetHeight - 2 : around.bottom + 2}px`;
};

/** The words of a reply; choosing another calls `branch` with the tokens that its version begins with.
 * @param {Token[]} tokens @param {(ids: number[]) => void} branch */
export const drawWords = (tokens, branch) => {
    const shown = tokens.map((token, place) => {
        // A control token is no word: it ends the reply.
        if (token.ends) return null;
        if (token.logprob === null) return make('i', {class: 'unknown', title: 'How likely this was is not known.'}, visible(token.piece));
        const share = Math.exp(token.logprob);
        const shade = LIMITS.filter((limit) => share < limit).length;
        const word = make('i', {tabindex: 0, role: 'button', 'aria-haspopup': 'menu', class: `p${shade}`, 'data-i': place, 'data-p': share.toFixed(4)}, visible(token.piece));
        for (const event of ['mouseover', 'focus', 'click']) word.addEventListener(event, () => open(tokens, place, word, branch));
        word.addEventListener('keydown', (event) => {
            if (!['Enter', ' ', 'ArrowDown'].includes(event.key)) return;
            event.preventDefault();
            open(tokens, place, word, branch);
            walk(1);
        });
        return word;
    });
    const legend = make('p', {class: 'legend'}, 'sure ', ...[0, 1, 2, 3, 4].map((shade) => make('span', {class: `p${shade}`}, ' ')), ' surprising');
    return make('div', {class: 'words'}, make('div', {class: 'tokens'}, ...shown), legend);
};
