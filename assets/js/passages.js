// A part of an attached text: which passages of it are sent, chosen by the server or by hand.
import {make} from './dom.js';
import {openDialog} from './dialog.js';

const LEFT_OUT = '[...]\n';

/**
 * @typedef {import('./chat.js').Attachment} Attachment
 * @typedef {Attachment & {passages: string[] | null, chosen: Set<number>}} Item a whole text, or where it has passages the chosen ones
 */

/** What is sent of it: its name says that it is a part, and a mark stands wherever something is left out.
 * @param {Item} item @returns {Attachment} */
export const asPart = ({name, text, passages, chosen}) => {
    if (!passages) return {name, text};
    let part = '';
    passages.forEach((passage, n) => {
        if (chosen.has(n)) part += passage;
        else if (n === 0 || chosen.has(n - 1)) part += part && !part.endsWith('\n') ? `\n${LEFT_OUT}` : LEFT_OUT;
    });
    return {name: `${name} (${chosen.size} of ${passages.length} passages)`, text: part};
};

/** Show all passages, those that are sent marked; a click takes one in or out.
 * @param {Item} item @param {() => void} changed */
export const showPassages = (item, changed) => {
    const rows = (item.passages ?? []).map((passage, n) => {
        const box = make('input', {type: 'checkbox', checked: item.chosen.has(n), onchange: () => {
            if (box.checked) item.chosen.add(n); else item.chosen.delete(n);
            changed();
        }});
        return make('label', {class: 'passage'}, box, make('span', {dir: 'auto'}, passage));
    });
    openDialog({id: 'attachment', title: item.name}, make('p', {}, 'What is marked is sent.'), make('div', {class: 'attached-text passages'}, ...rows));
};
