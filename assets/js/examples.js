// The cards of the empty page: each does in one click what it says.
import {button, icon, make} from './dom.js';

const SHOWN = 4;

/**
 * @typedef {{title: string, line: string, icon: import('./dom.js').Picture, text: string, needs?: string, do?: 'explain' | 'compare', first?: number, second?: number}} Example
 * @param {Example[]} examples
 * @param {Record<string, string>} missing what the model lacks
 * @param {(action: any, typed: string, once?: Record<string, any>, isExplained?: boolean) => void} act
 */
export const drawExamples = (examples, missing, act) => {
    const begin = (/** @type {Example} */ {text, first, second, do: what}) => {
        if (what === 'compare') act({do: 'compare', text, difference: 'Temperature', value: String(second)}, text, {temperature: first});
        else if (what === 'explain') act({do: 'ask', text}, text, {top_logprobs: true}, true);
        else act({do: 'ask', text}, text);
    };
    return examples.filter(({needs}) => !needs || !(needs in missing)).slice(0, SHOWN).map((example, n) => button(
        {class: 'example', 'data-act': 'example', 'data-n': n, title: example.text, onclick: () => begin(example)},
        icon(example.icon), make('span', {}, make('b', {}, example.title), make('span', {}, example.line))));
};
