// What is asked of the server: a turn of the model, or a change of what is shown.
import {Fault, stream} from './server.js';
import {changed, pathOf} from './chat.js';
import {drawAttachments} from './attachments.js';
import {make} from './dom.js';
import {newKey} from './store.js';
import {Turn} from './turn.js';

/**
 * @typedef {import('./chat.js').Chat} Chat
 * @typedef {import('./page.js').View} View
 * @param {import('./page.js').Page} page
 * @param {{
 *     owner: string,
 *     notices: ReturnType<typeof import('./notices.js').makeNotices>,
 *     options: () => Promise<any>,
 *     chats: () => {keep: (of: string, chat: Chat) => void, render: () => void},
 *     began: () => void,
 *     refused: (typed: string, attachments: import('./chat.js').Attachment[]) => void,
 *     answered: (text: string) => void,
 *     learned: () => void,
 *     measure: () => void,
 * }} on `refused` gives back what was typed, `learned` when the model turned out to lack something
 */
export const makeTurns = (page, on) => {
    const {fail, news, clear} = on.notices;
    const isBusy = () => {
        if (page.turn) fail(new Fault('A reply is still being written.', 'Wait for it, or stop it first.'));
        return Boolean(page.turn);
    };

    // Take what the last update of a turn or a change tells into a view.
    const take = (/** @type {View} */ into, /** @type {any} */ last, /** @type {Turn | null} */ turn) => {
        for (const [n, html] of Object.entries(last.html)) into.html.set(Number(n), html);
        for (const [n, drawnNow] of Object.entries(last.tokens)) {
            const number = Number(n);
            const begun = turn?.action.do === 'branch' ? turn.begun : turn?.goingOn === number ? into.tokens.get(number) : [];
            if (begun) into.tokens.set(number, [...begun, .../** @type {any[]} */ (drawnNow)]);
        }
        if (last.missing && page.model.info) { page.model.info.missing = last.missing; on.learned(); }
        if (last.left_out) into.leftOut = new Set(last.left_out);
        into.compared = last.replies?.length > 1 ? last.replies : [];
        const isExplained = turn?.action.do === 'branch' || turn?.of.isExplained;
        into.explained = isExplained && last.replies && into.tokens.has(last.replies[0]) ? last.replies[0] : null;
    };
    const branchTokens = (/** @type {{n: number, ids: number[]}} */ {n, ids}) => {
        const before = page.view.tokens.get(n) ?? [];
        const place = ids.length - 1;
        const chosen = before[place].top.find((/** @type {[number, string, number, boolean]} */ [id]) => id === ids[place]);
        return chosen ? [...before.slice(0, place), {...before[place], id: chosen[0], piece: chosen[1], logprob: chosen[2], ends: false}] : null;
    };

    // Ask the model; `once` are options for this turn alone.
    const act = async (/** @type {any} */ action, /** @type {string} */ typed = '', /** @type {Record<string, any>} */ once = {}, isExplained = false) => {
        if (isBusy()) return;
        clear();
        on.began();
        const [of, shown] = [page.key, page.view];
        const turn = new Turn({
            chat: shown.chat, options: null, action, owner: on.owner, isExplained,
            keep: (/** @type {Chat} */ chat) => on.chats().keep(page.keyOf(turn), chat),
            changed: () => page.draw(),
        });
        if (action.do === 'branch') turn.begun = branchTokens(action);
        if (typed) turn.bubble = make('article', {class: 'turn user sending'}, drawAttachments(action.attachments, page.counted), make('div', {class: 'typed', dir: 'auto'}, typed));
        page.turns.set(of, turn);
        page.draw();
        // What was pinned or edited a moment ago belongs to the chat that is sent.
        await changing;
        turn.answersIn(shown.chat);
        const held = shown.chat.options;
        turn.of.options = {...await on.options(), ...once};
        const {last, fault} = await turn.run();
        if (Object.keys(once).length) turn.chat = {...turn.chat, options: held};
        const now = page.keyOf(turn);
        const isShown = now === page.key;  // before it may go on as a copy
        page.turns.delete(now);
        shown.chat = turn.chat;
        if (last) take(shown, last, turn);
        if (turn.isAccepted || last) on.chats().keep(now, turn.chat);
        page.views.delete(now);
        if (!turn.isAccepted && typed) on.refused(typed, action.attachments ?? []);
        if (!isShown) {
            on.chats().render();
            if (fault && !turn.isAccepted) fail(fault);
            return;
        }
        page.draw();
        on.chats().render();
        if (fault) fail(fault);
        else if (last?.same === true) news('Replayed: the same reply, word for word.');
        else if (last?.same === false) news('Replayed with the same settings, with another reply. Both are kept as versions.');
        const head = turn.chat.head;
        on.answered(last?.replies && head !== null ? turn.chat.nodes[head].text : '');
        on.measure();
    };

    /** Changes that are under way: each begins with the chat that the one before has left. @type {Promise<unknown>} */
    let changing = Promise.resolve();
    // Change what is shown, without asking the model.
    const change = (/** @type {any} */ action) => {
        if (isBusy()) return Promise.resolve();
        const [of, shown] = [page.key, page.view];
        clear();
        if (action.do === 'open') return makeChange(action, of, shown);
        const done = changing.then(() => makeChange(action, of, shown));
        changing = done.catch(() => {});
        return done;
    };
    const makeChange = async (/** @type {any} */ action, /** @type {string} */ of, /** @type {View} */ shown) => {
        /** @type {any} */
        let last = null;
        try {
            const held = await on.options();
            /** @type {Fault | null} */
            let fault = null;
            await stream('page/turn', {turn: newKey(), owner: on.owner, chat: shown.chat, options: held, action}, (update) => {
                if (update.type === 'fault') fault = new Fault(update.problem, update.next_step);
                if (update.type === 'html') for (const [n, html] of Object.entries(update.html)) shown.html.set(Number(n), html);
                if (update.type === 'html' && shown === page.view) page.draw();
                if (update.type === 'done') last = update;
            });
            if (fault) throw fault;
        } catch (fault) {
            if (of === page.key) fail(fault);
            return;
        }
        if (!last) return;
        if (action.do !== 'open') {
            shown.chat = changed(shown.chat, last.chat);
            on.chats().keep(of, shown.chat);
        }
        take(shown, last, null);
        const lacks = pathOf(shown.chat).some((n) => shown.chat.nodes[n].role === 'assistant' && !shown.html.has(n));
        if (shown === page.view) { page.draw(); on.chats().render(); on.measure(); }
        if (lacks && action.do !== 'open') await makeChange({do: 'open'}, of, shown);
    };

    const doAct = (/** @type {any} */ action) => {
        const isReply = action.do === 'edit' && page.view.chat.nodes[action.n]?.role === 'assistant';
        return ['select', 'pin', 'undo'].includes(action.do) || isReply ? change(action) : act(action);
    };
    return {act, change, doAct, isBusy};
};
