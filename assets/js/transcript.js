// The chat pane: the messages that are shown, each drawn once and again only when it changes.
import {askedWith, detailsOf, noteOf, thoughtFor} from './captions.js';
import {button, cancelIdle, copy, fit, icon, make, whenIdle} from './dom.js';
import {pathOf, versionsOf} from './chat.js';
import {drawAttachments} from './attachments.js';
import {drawWords} from './words.js';

/**
 * @typedef {import('./chat.js').Chat} Chat
 * @typedef {import('./chat.js').Facts} Facts
 * @typedef {import('./chat.js').Step} Step
 * @typedef {import('./words.js').Token} Token
 *
 * What is shown of the open chat:
 * @typedef {object} View
 * @property {Chat} chat
 * @property {Map<number, string>} html replies as HTML, by the number of the message
 * @property {Map<number, Token[]>} tokens of the replies whose probabilities are known
 * @property {Set<number>} leftOut messages that the model did not see at the last turn
 * @property {Set<number> | null} going messages that the next one would leave out, where that is known
 * @property {number | null} explained the reply that is shown word by word
 * @property {number[]} compared replies that stand side by side
 * @property {boolean} isWriting
 * @property {number | null} goingOn the reply that goes on, and is drawn elsewhere
 */

const CUT = new Set(['cancelled', 'length', 'time', 'error']);
const FIRST = 40;  // messages drawn at once; those before follow when the browser has time
const MORE = 60;

/** The steps of an answer with tools, folded. @param {Step[]} steps */
export const drawSteps = (steps) => {
    if (!steps.length) return null;
    const rows = (/** @type {Step} */ step) => [
        ['Thought', step.thought], ['Tool', step.tool], [step.tool ? 'Input' : 'Said', step.given],
        ['Observation', step.observation], ['Time', `${Math.round(step.ms)} ms`],
    ].filter(([, text]) => text).flatMap(([name, text]) => [make('dt', {}, name), make('dd', {}, text)]);
    return make('div', {class: 'steps', 'aria-label': 'Steps'}, ...steps.map((step) => make('details', {class: 'step'},
        make('summary', {}, make('b', {}, step.tool || 'No action'), ' ', make('code', {}, step.given.slice(0, 80)), ' ',
            make('span', {}, `${Math.round(step.ms)} ms`)),
        make('dl', {}, ...rows(step)))));
};

/** What the model thought before it answered, folded; `show` changes what is there. */
export const drawThinking = () => {
    const [summary, said] = [make('summary'), make('p', {dir: 'auto'})];
    const show = (/** @type {string} */ text, /** @type {string} */ title) => { said.textContent = text; summary.textContent = title; };
    return {node: make('details', {class: 'thinking'}, summary, said), show};
};

/** @param {Facts | null | undefined} facts */
const thinkingOf = (facts) => {
    if (!facts?.thinking) return null;
    const {node, show} = drawThinking();
    show(facts.thinking, thoughtFor(facts.thought_s ?? 0, facts.thought_tokens ?? 0));
    return node;
};

/** HTML that the server has made (markdown.py: nothing of it runs), or plain text.
 * @param {string | undefined} html @param {string} text */
const body = (html, text) => {
    const node = make('div', {class: 'md'});
    if (html !== undefined) node.innerHTML = html;
    else if (text.trim()) node.append(make('p', {class: 'plain', dir: 'auto'}, text));
    return node;
};

/**
 * @param {HTMLElement} pane
 * @param {{
 *     act: (action: any) => void,
 *     showPrompt: (number: number) => void,
 *     explain: (number: number) => void,
 *     optionRows: () => {name: string, label: string, neutral: any}[],
 *     missing: () => Record<string, string>,
 *     counted: Map<string, number>,
 *     welcome: () => HTMLElement,
 * }} page what the buttons do
 */
export const makeTranscript = (pane, page) => {
    const log = make('section', {role: 'log', 'aria-label': 'Conversation', 'aria-live': 'off'});
    /** @type {Map<number, {key: string, node: HTMLElement}>} */
    let drawn = new Map();
    /** @type {HTMLElement | null} */
    let welcome = null;
    let waiting = 0;  // the idle callback that draws what is not drawn yet

    const tool = (/** @type {import('./dom.js').Picture} */ picture, /** @type {string} */ label, /** @type {number} */ n, /** @type {string} */ act, /** @type {() => void} */ work, more = {}) => button(
        {class: 'tool', 'data-act': act, 'data-n': n, 'aria-label': `${label}, message ${n + 1}`, title: label, onclick: work, ...more}, icon(picture));

    const edit = (/** @type {HTMLElement} */ turn, /** @type {number} */ n, /** @type {string} */ text, /** @type {boolean} */ isUser) => {
        if (turn.querySelector('.editor')) return;
        const area = make('textarea', {'aria-label': isUser ? 'Edit your message' : 'Edit the reply'});
        area.value = text;
        const close = () => {
            form.remove();
            turn.classList.remove('editing');
            /** @type {HTMLElement | null} */ (document.querySelector('#message textarea'))?.focus();
        };
        const form = make('form', {class: 'editor', onsubmit: (event) => {
            event.preventDefault();
            page.act({do: 'edit', n, text: area.value});
        }}, area, make('div', {}, button({onclick: close}, 'Cancel'), make('button', {type: 'submit'}, isUser ? 'Send' : 'Save')));
        area.addEventListener('input', () => fit(area));
        area.addEventListener('keydown', (event) => {
            if (event.key === 'Escape') { event.stopPropagation(); close(); }
            // Safari ends a composition before the key that confirms it: its code is 229 then.
            const isComposing = event.isComposing || event.keyCode === 229;
            const sends = event.key === 'Enter' && !isComposing && (event.ctrlKey || event.metaKey || (isUser && !event.shiftKey));
            if (sends) { event.preventDefault(); form.requestSubmit(); }
        });
        turn.classList.add('editing');
        turn.querySelector('.typed, .md')?.after(form);
        fit(area);
        area.focus();
        area.setSelectionRange(area.value.length, area.value.length);
    };

    const facts = (/** @type {import('./chat.js').Facts | null | undefined} */ of, /** @type {number} */ place) => {
        const rows = of ? detailsOf(of, page.optionRows()).flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]) : [];
        if (!rows.length) return null;
        /** @type {HTMLElement} */
        const pressed = button({class: 'tool', 'data-act': 'details', 'aria-label': `Details of reply ${place}`, 'aria-expanded': 'false', onclick: () => {
            pressed.setAttribute('aria-expanded', String(pressed.parentElement?.classList.toggle('open')));
        }}, icon('info'));
        return make('span', {class: 'caption'}, pressed, make('span', {class: 'details', role: 'note'}, make('dl', {}, ...rows)));
    };

    const arrow = (/** @type {'back' | 'next'} */ picture, /** @type {string} */ label, /** @type {number | undefined} */ n) => (n === undefined
        ? button({disabled: true, 'aria-label': label, title: label}, icon(picture))
        : tool(picture, label, n, 'select', () => page.act({do: 'select', n})));

    const tools = (/** @type {View} */ view, /** @type {number} */ n, /** @type {number[]} */ versions, /** @type {() => HTMLElement} */ turn) => {
        const {chat} = view;
        const node = chat.nodes[n];
        const [isUser, isLast, missing] = [node.role === 'user', n === chat.head, page.missing()];
        const row = make('div', {class: 'tools'});
        if (versions.length > 1) {
            const at = versions.indexOf(n);
            row.append(make('span', {class: 'versions'}, arrow('back', 'Earlier version', versions[at - 1]),
                make('span', {}, `${at + 1}/${versions.length}`), arrow('next', 'Later version', versions[at + 1])));
        }
        const copying = tool('copy', 'Copy', n, 'copy', () => copy(node.text, copying));
        row.append(copying, tool('edit', 'Edit', n, 'edit', () => edit(turn(), n, node.text, isUser)));
        if (!isUser || isLast) row.append(tool('retry', 'Regenerate', n, 'retry', () => page.act({do: 'retry', n})));
        if (isUser) {
            const isPinned = chat.pinned.includes(n);
            const label = isPinned ? 'Pinned: kept in context' : 'Pin: keep in context';
            row.append(tool('pin', label, n, 'pin', () => page.act({do: 'pin', n}), {class: `tool${isPinned ? ' pinned' : ''}`, 'aria-pressed': String(isPinned)}));
        } else {
            if (node.text && node.facts && CUT.has(node.facts.ending) && isLast && !('continue' in missing)) {
                row.append(button({class: 'named', 'data-act': 'continue', 'data-n': n, onclick: () => page.act({do: 'continue', n})}, icon('continue'), 'Continue'));
            }
            if (!('exact_prompt' in missing)) row.append(tool('prompt', 'Exact prompt', n, 'prompt', () => page.showPrompt(n)));
            // What went on from words that were there is not repeated by its settings alone.
            if (node.facts?.options && node.facts.ending !== 'edited' && !node.facts.begun) {
                row.append(tool('replay', 'Replay with the same settings', n, 'replay', () => page.act({do: 'replay', n})));
            }
            const caption = facts(node.facts, n + 1);
            if (caption) row.append(caption);
            if (view.tokens.has(n)) {
                const pressed = {'data-act': 'why', 'data-n': n, 'aria-pressed': String(view.explained === n), title: 'See what else each word could have been', onclick: () => page.explain(n)};
                row.append(isLast ? button({...pressed, class: 'named why'}, icon('why'), 'Why these words?')
                    : tool('why', 'Why these words?', n, 'why', () => page.explain(n), pressed));
            }
        }
        return row;
    };

    /** @param {View} view @param {number} n @param {number[]} versions */
    const message = (view, n, versions) => {
        const node = view.chat.nodes[n];
        /** @type {HTMLElement} */
        const turn = make('article', {class: `turn ${node.role}`, 'data-n': n, 'data-text': node.text});
        const row = tools(view, n, versions, () => turn);
        if (node.role === 'user') {
            const attached = drawAttachments(node.attachments, page.counted);
            if (attached) turn.append(attached);
            turn.append(make('span', {class: 'sr-only'}, 'You said: '), make('div', {class: 'typed', dir: 'auto'}, node.text), row);
            return turn;
        }
        const known = view.tokens.get(n);
        const words = view.explained === n && known ? drawWords(known, (ids) => page.act({do: 'branch', n, ids})) : null;
        const shown = body(view.html.get(n), node.text);
        if (words) shown.replaceChildren(words);
        if (!node.text && !node.facts?.steps?.length) shown.replaceChildren(make('p', {class: 'empty'}, node.facts?.thinking
            ? '(The reply ended while the model was still thinking: raise Max new tokens, then regenerate.)' : '(empty reply)'));
        const note = node.facts ? noteOf(node.facts) : '';
        const parts = [thinkingOf(node.facts), shown, note ? make('p', {class: 'note'}, note) : null, drawSteps(node.facts?.steps ?? [])];
        turn.append(make('span', {class: 'sr-only'}, 'The model said: '), ...parts.filter((part) => part !== null), row);
        return turn;
    };

    /** Replies side by side, each with what it was asked with and a button to keep it. @param {View} view */
    const compared = (view) => make('article', {class: 'turn assistant two'}, ...view.compared.map((n) => {
        const node = view.chat.nodes[n];
        const row = make('div', {class: 'tools'},
            button({class: 'named', 'data-act': 'select', 'data-n': n, onclick: () => page.act({do: 'select', n})}, 'Keep this one'), facts(node.facts, n + 1));
        return make('div', {class: 'column-of-two'}, make('h2', {}, askedWith(node.facts ?? {ending: 'stop'})),
            thinkingOf(node.facts), body(view.html.get(n), node.text), drawSteps(node.facts?.steps ?? []), row);
    }));

    const divider = (/** @type {number} */ count) => make('p', {class: 'divider'},
        `Not in the model's context: ${count === 1 ? '1 exchange' : `${count} exchanges`}.`);

    /** Draw what has changed. @param {View} view */
    const draw = (view) => {
        cancelIdle(waiting);
        pane.classList.toggle('is-empty', view.chat.head === null);
        if (view.chat.head === null) {
            drawn = new Map();
            log.replaceChildren();
            const missing = Object.keys(page.missing()).join();
            if (welcome?.parentElement !== pane || welcome.dataset.missing !== missing) {
                welcome = page.welcome();
                welcome.dataset.missing = missing;
                pane.replaceChildren(welcome);
            }
            return;
        }
        if (log.parentElement !== pane) pane.replaceChildren(log);
        const path = pathOf(view.chat);
        const versions = versionsOf(view.chat);
        const missing = Object.keys(page.missing()).join();
        // One source: what the next message would leave out, or where that is not known, what the last one did.
        const out = view.going ?? view.leftOut;
        const isForgotten = (/** @type {number} */ n) => out.has(n);
        const lastForgotten = path.filter(isForgotten).at(-1);
        /** @type {Map<number, {key: string, node: HTMLElement}>} */
        const next = new Map();
        const one = (/** @type {number} */ n) => {
            const node = view.chat.nodes[n];
            const known = view.tokens.get(n);
            const key = [versions(n).join(), n === view.chat.head, view.chat.pinned.includes(n), view.html.has(n), known ? known.length : '',
                view.explained === n, missing, node.facts?.ending, node.text.length,
                ...(node.attachments ?? []).flatMap(({name, text}) => [name, text.length, page.counted.get(text)])].join('|');
            const before = drawn.get(n);
            // What is being typed into an editor stays, whatever happens around it.
            const stays = before?.key === key || before?.node.classList.contains('editing');
            const made = before && stays && before.node.dataset.text === node.text ? before : {key, node: message(view, n, versions(n))};
            made.node.classList.toggle('forgotten', isForgotten(n));
            next.set(n, made);
            return made.node;
        };
        const rows = (/** @type {number[]} */ numbers) => numbers.flatMap((n) => {
            if (view.compared.includes(n)) return [compared(view)];
            if (n === view.goingOn) return [];
            return n === lastForgotten ? [one(n), divider(path.filter(isForgotten).length / 2)] : [one(n)];
        });
        // Messages that are drawn already cost nothing.
        let at = Math.max(0, path.length - FIRST);
        while (at > 0 && drawn.has(path[at - 1])) at -= 1;
        const shown = rows(path.slice(at));
        const same = shown.length === log.childNodes.length && shown.every((node, place) => log.childNodes[place] === node);
        if (!same) {
            // Those that stay are not taken out: they keep the focus, and what is selected in them.
            const kept = new Set(shown);
            for (const node of [...log.childNodes]) if (!kept.has(/** @type {any} */ (node))) node.remove();
            shown.forEach((node, place) => { if (log.childNodes[place] !== node) log.insertBefore(node, log.childNodes[place] ?? null); });
        }
        drawn = next;
        const before = () => {
            if (at === 0) return;
            const from = Math.max(0, at - MORE);
            const chat = /** @type {HTMLElement} */ (pane.parentElement);
            const bottom = chat.scrollHeight - chat.scrollTop;
            log.prepend(...rows(path.slice(from, at)));
            chat.scrollTop = chat.scrollHeight - bottom;
            at = from;
            waiting = whenIdle(before);
        };
        waiting = whenIdle(before);
    };

    return {draw};
};
