// What the next message would send: the meter, what it leaves out, and the exact prompt.
import {ask, Fault} from './server.js';
import {drawFault} from './notices.js';
import {drawMeter, makeRing, showPrompt} from './meter.js';
import {find, icon} from './dom.js';
import {pathOf} from './chat.js';

const METER_MS = 250;
// A token is no more than so many characters: messages before the last window of them are left out anyway.
const CHARS_A_TOKEN = 16;
const COUNTED = 10;  // attachments whose tokens are counted at once

/** @typedef {import('./chat.js').Attachment} Attachment */

/** The newest messages, as many as can fit into the window: the others are left out anyway.
 * @param {import('./chat.js').Chat} chat @param {number} window */
const recent = (chat, window) => {
    const room = window * CHARS_A_TOKEN;
    const path = pathOf(chat);
    let [from, chars] = [path.length, 0];
    while (from > 0 && chars <= room) {
        from -= 1;
        const {text, attachments} = chat.nodes[path[from]];
        chars += (attachments ?? []).reduce((sum, each) => sum + each.text.length, text.length);
    }
    while (from > 0 && chat.nodes[path[from]].role !== 'user') from -= 1;
    const firstUser = path.slice(0, from).filter((n) => chat.pinned.includes(n));
    const sent = [...firstUser.flatMap((n) => path.slice(path.indexOf(n), path.indexOf(n) + 2)), ...path.slice(from)];
    const nodes = sent.map((n, place) => {
        const {role, text, attachments} = chat.nodes[n];
        return {role, text, attachments, parent: place ? place - 1 : null};
    });
    const pinned = sent.flatMap((n, place) => (chat.pinned.includes(n) ? [place] : []));
    return {sent, older: path.filter((n) => !sent.includes(n)), chat: {nodes, head: sent.length ? sent.length - 1 : null, name: '', pinned}};
};

/**
 * @param {import('./page.js').Page} page
 * @param {{options: () => Promise<any>, draft: () => string, attached: () => Attachment[], tooLong: (isToo: boolean) => void, fail: (fault: unknown) => void, away: () => void}} from
 */
export const makeContext = (page, from) => {
    let timer = 0;  // of the next measure
    /** @type {AbortController | null} */
    let asking = null;
    const recentNow = () => recent(page.view.chat, page.model.info?.context_length ?? 0);
    const measure = async () => {
        clearTimeout(timer);
        if (page.model.state !== 'ready' || page.turn) return;
        asking?.abort();
        asking = new AbortController();
        const {signal} = asking;
        const [of, attachments] = [page.key, from.attached()];
        const {sent, older, chat} = recentNow();
        const count = [...attachments, ...chat.nodes.flatMap((node) => node.attachments ?? [])].filter(({text}) => !page.counted.has(text)).slice(0, COUNTED);
        const tokensOf = (/** @type {Attachment[]} */ some) => some.reduce((sum, {text}) => sum + (page.counted.get(text) ?? 0), 0);
        // What is known not to fit need not be sent at every pause of typing: it may be a book.
        const asked = tokensOf(attachments) > (page.model.info?.context_length ?? Infinity) ? [] : attachments;
        try {
            const measured = await ask('page/meter', {chat, options: await from.options(), draft: from.draft(), attachments: asked, count}, signal);
            if (of !== page.key || signal.aborted) return;
            for (const [place, tokens] of measured.counted.entries()) page.counted.set(count[place].text, tokens);
            measured.counts = {...measured.counts, attached: tokensOf(attachments), message: Math.max(0, (measured.counts.message ?? 0) - tokensOf(asked))};
            from.tooLong(measured.too_long || asked !== attachments);
            const leftOut = [...(measured.window ? older : []), ...measured.left_out.map((/** @type {number} */ place) => sent[place])];
            drawMeter({...measured, left_out: leftOut});
            page.view.going = measured.window ? new Set(leftOut) : null;
        } catch (fault) {
            if (signal.aborted) return;
            if (!(fault instanceof Fault)) throw fault;
            // A server that is gone is told once, by the banner.
            if (fault.isAway) from.away();
            else {
                const said = drawFault(fault);
                // What stands above the message box already need not be said twice.
                if (said.textContent !== find('notice').textContent) find('meter').replaceChildren(said);
            }
            page.view.going = null;
        }
        page.draw();
    };
    const seePrompt = async (/** @type {any} */ what) => {
        try { showPrompt(await ask('page/prompt', {chat: page.view.chat, options: await from.options(), ...what})); } catch (fault) { from.fail(fault); }
    };
    makeRing();
    find('show-prompt').prepend(icon('prompt'));
    find('show-prompt').addEventListener('click', () => seePrompt({draft: from.draft(), attachments: from.attached()}));
    return {
        measure, seePrompt,
        /** The passages of attached texts, and which of them fit; throws a Fault. @param {Attachment[]} attachments @param {string} how */
        choose: async (attachments, how) => ask('page/passages', {chat: recentNow().chat, options: await from.options(), draft: from.draft(), attachments, how}),
        measureSoon: () => { clearTimeout(timer); timer = setTimeout(measure, METER_MS); },
    };
};
