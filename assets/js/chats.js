// The chats that this browser keeps: opened, begun, renamed, deleted, written down, to and from files.
import {exportAll, exportJson, exportMarkdown, readFile} from './transfer.js';
import {FAULTS, makeSidebar} from './sidebar.js';
import {emptyChat, fromText, titleOf, toText} from './chat.js';
import {freshView, remember} from './page.js';
import {Fault} from './server.js';
import {asControls} from './options.js';
import {find} from './dom.js';
import {newKey} from './store.js';

/**
 * @typedef {import('./chat.js').Chat} Chat
 * @param {import('./page.js').Page} page
 * @param {ReturnType<typeof import('./store.js').makeStore>} store
 * @param {ReturnType<typeof import('./notices.js').makeNotices>} notices
 * @param {{options: ReturnType<typeof import('./options.js').makeOptions>, defaults: any, shown: () => void, render: (chat: Chat) => Promise<void>, focus: () => void}} on
 *     `shown` when another chat is shown, `render` has the server render its replies
 */
export const makeChats = (page, store, {say, fail, clear}, on) => {
    let saidFault = '';
    const sayFault = () => {
        if (store.fault && store.fault !== saidFault) say(FAULTS[store.fault]);
        saidFault = store.fault;
    };

    // Write a chat down, wherever it is shown.
    const keep = (/** @type {string} */ of, /** @type {Chat} */ chat) => {
        const removed = page.gone.get(of);
        if (removed) { removed.chat = toText(chat); return; }
        if (!chat.nodes.length) return;
        if (!store.keep(of, titleOf(chat), toText(chat))) {
            // Another tab has written to it meanwhile: here it goes on as a copy.
            const copyKey = newKey();
            chat.name = `${titleOf(chat)} (copy)`;
            store.keep(copyKey, chat.name, toText(chat));
            const turn = page.turns.get(of);
            if (turn) { turn.chat.name = chat.name; page.turns.delete(of); page.turns.set(copyKey, turn); }
            if (of === page.key) { page.key = copyKey; page.view.chat.name = chat.name; remember('open', copyKey); }
            say('This chat was changed in another tab. Both are kept: here it goes on as a copy.');
        }
        sidebar.render();
        sayFault();
    };

    const show = async (/** @type {string} */ of, /** @type {Chat} */ chat, keepOptions = false) => {
        if (page.turn) page.views.set(page.key, page.view);
        if (of !== page.key) page.unsent.set(page.key, on.options.now);
        page.key = of;
        remember('open', of);
        clear();
        const held = page.views.get(of);
        page.view = held ?? freshView(chat);
        page.draw();
        sidebar.render();
        if (!keepOptions) on.options.write(page.unsent.get(of) ?? asControls(chat.options, on.defaults));
        on.shown();
        if (!held && chat.head !== null) await on.render(chat);
    };
    // Show the new chat that the page opens with.
    const begin = () => show(page.key, emptyChat());
    const openChat = (/** @type {string} */ of) => {
        const chat = fromText(store.open(of));
        if (chat) return show(of, chat);
        fail(new Fault('This chat is damaged and cannot be opened.', 'Delete it, or import an export of it.'));
        return null;
    };
    const newChat = (keepOptions = false) => {
        show(newKey(), emptyChat(), keepOptions);
        on.focus();
    };
    const removeChat = (/** @type {string} */ of, keepOptions = false) => {
        const wasOpen = of === page.key;
        page.turns.get(of)?.stop();
        const row = store.read(of) ? store.remove(of) : null;
        if (row) page.gone.set(of, row);
        if (wasOpen) newChat(keepOptions);
        sidebar.render();
        if (!row) return;
        say('The chat is deleted.', () => {
            page.gone.delete(of);
            store.put(row);
            if (wasOpen && page.view.chat.head === null) openChat(of);
            sidebar.render();
        });
    };
    const renameChat = (/** @type {string} */ of, /** @type {string} */ name) => {
        const turn = page.turns.get(of);
        if (turn) turn.chat.name = turn.of.chat.name = name;
        if (of === page.key) {
            page.view.chat = {...page.view.chat, name};
            if (turn) keep(of, {...turn.partial, name}); else keep(of, page.view.chat);
            return;
        }
        const before = store.read(of);
        const chat = fromText(before);
        if (!chat) { fail(new Fault('This chat is damaged and cannot be renamed.', 'Delete it.')); return; }
        chat.name = name;
        if (!store.replace(of, before, titleOf(chat), toText(chat))) say('Another tab has just changed this chat. Try again.');
        sidebar.render();
    };
    const orSay = (/** @type {() => unknown} */ work) => async () => {
        try { await work(); } catch (fault) {
            if (!(fault instanceof Fault)) throw fault;
            say(`${fault.problem} ${fault.next_step}`);
        }
    };
    const ofOpen = (/** @type {(chat: Chat) => unknown} */ work) => orSay(() => {
        if (!page.view.chat.nodes.length) { say('Nothing has been said in this chat yet.'); return null; }
        return work(page.turn?.partial ?? page.view.chat);
    });
    const sidebar = makeSidebar(find('sidebar'), store, {
        openKey: () => page.key,
        isWriting: (of) => page.turns.has(of) && of !== page.key,
        open: openChat,
        begin: () => newChat(),
        rename: renameChat,
        remove: (of) => removeChat(of),
        exportJson: ofOpen(exportJson),
        exportMarkdown: ofOpen(exportMarkdown),
        exportAll: orSay(() => {
            const damaged = exportAll(store.list().map((row) => store.read(row.key)));
            if (damaged) say(damaged === 1 ? 'One damaged chat is not in the file.' : `${damaged} damaged chats are not in the file.`);
        }),
        importFile: (file) => orSay(async () => {
            const {chats, damaged} = await readFile(file);
            const now = Date.now();
            for (const [place, chat] of chats.entries()) store.add(titleOf(chat), toText(chat), now - place);
            sidebar.render();
            const lost = damaged ? ` ${damaged === 1 ? 'One is' : `${damaged} are`} damaged and left out.` : '';
            if (!store.fault) say((chats.length === 1 ? 'One chat is imported.' : `${chats.length} chats are imported.`) + lost);
        })(),
    });
    window.addEventListener('storage', ({key: name}) => {
        if (name !== null && !name.startsWith('llama-ui:chat')) return;
        store.retry();
        sidebar.render();
    });
    window.addEventListener('beforeunload', (event) => { if (store.fault === 'full') event.preventDefault(); });
    return {keep, begin, openChat, newChat, removeChat, sayFault, render: sidebar.render};
};
