// The sidebar: a list of the chats that this browser keeps, a search, a menu. What it does is in app.js.
import {button, find, icon, make} from './dom.js';
import {fromText} from './chat.js';
import {makeMenu} from './menu.js';

const DAYS = ['Today', 'Yesterday', 'Earlier'];
const SHARED = 'A share link changes when the server is started again, and the chats stay with the old one: export them.';

/** @type {Record<string, string>} */
export const FAULTS = {
    '': '',
    'full': 'This browser’s storage is full: the chat is not saved. Export it, or delete some chats.',
    'nearly full': 'This browser’s storage is almost full. Export chats, then delete some of them.',
    'refused': 'This browser lets the page store nothing: chats are lost when the page is closed. Export them.',
};

const dayOf = (/** @type {number} */ time) => {
    const days = (new Date().setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / 86_400_000;
    return days < 0.5 ? DAYS[0] : days < 1.5 ? DAYS[1] : DAYS[2];
};

/**
 * @param {HTMLElement} element
 * @param {ReturnType<typeof import('./store.js').makeStore>} store
 * @param {{
 *     openKey: () => string,
 *     isWriting: (key: string) => boolean,
 *     open: (key: string) => void,
 *     begin: () => void,
 *     rename: (key: string, name: string) => void,
 *     remove: (key: string) => void,
 *     exportJson: () => void,
 *     exportMarkdown: () => void,
 *     exportAll: () => void,
 *     importFile: (file: File) => Promise<void>,
 * }} page
 */
export const makeSidebar = (element, store, page) => {
    const nav = /** @type {HTMLElement} */ (element.querySelector('nav'));
    const phone = window.matchMedia('(max-width: 800px), (max-height: 480px)');
    const list = make('div', {class: 'list'});
    const notes = make('div', {class: 'notes', role: 'status'});
    const search = make('input', {type: 'search', placeholder: 'Search chats', 'aria-label': 'Search chats', oninput: () => render()});
    const isFolded = () => document.body.classList.contains('chats-folded');
    const fold = (/** @type {boolean} */ folded) => { document.body.classList.toggle('chats-folded', folded); };
    // A click in the list is done with it on a phone, where it covers the page.
    const chosen = (/** @type {() => void} */ work) => () => { work(); if (phone.matches) fold(true); };

    // What a search looks through: the messages, not the JSON they are kept in.
    /** @type {Map<string, [string, string]>} */
    const seen = new Map();  // key -> [chat, its words]
    const wordsOf = (/** @type {string} */ key) => {
        const text = store.read(key);
        const known = seen.get(key);
        if (known && known[0] === text) return known[1];
        const words = fromText(text)?.nodes.map((node) => node.text).join('\n').toLowerCase() ?? '';
        seen.set(key, [text, words]);
        return words;
    };

    /** @typedef {{key: string, title: string, updated: number, saved: boolean}} Row */
    const rename = (/** @type {HTMLElement} */ row, /** @type {Row} */ {key, title}) => {
        const field = make('input', {value: title, maxlength: 80, 'aria-label': 'Title of the chat'});
        let isDone = false;  // taking the field away blurs it
        const done = (/** @type {boolean} */ isKept, isByKey = true) => {
            if (isDone) return;
            isDone = true;
            form.remove();
            if (isKept && field.value.trim() !== title) page.rename(key, field.value.trim());
            render();
            if (isByKey) focus(`open ${key}`);
        };
        const form = make('form', {onsubmit: (event) => { event.preventDefault(); done(true); }}, field);
        field.addEventListener('keydown', (event) => {
            if (event.key === 'Escape') { event.stopPropagation(); done(false); }
        });
        // A press in the list is finished first: were the list drawn at once, its click would meet nothing.
        field.addEventListener('blur', () => {
            if (list.matches(':active')) document.addEventListener('click', () => done(true, false), {once: true});
            else done(true, false);
        });
        row.replaceChildren(form);
        field.select();
        field.focus();
    };
    const draw = (/** @type {Row} */ chat) => {
        const {key, title, saved} = chat;
        const isOpen = key === page.openKey();
        /** @type {HTMLElement} */
        const row = make('li', {class: isOpen ? 'kept open' : 'kept'},
            button({
                class: 'title', title, dir: 'auto', 'data-focus': `open ${key}`,
                'aria-current': isOpen ? 'true' : undefined, onclick: chosen(() => page.open(key)),
            }, title),
            page.isWriting(key) ? make('span', {class: 'writing', title: 'A reply is being written'}) : null,
            saved ? null : make('span', {class: 'unsaved'}, 'not saved'),
            button({'aria-label': `Rename ${title}`, title: 'Rename', 'data-focus': `rename ${key}`, onclick: () => rename(row, chat)}, icon('edit')),
            button({'aria-label': `Delete ${title}`, title: 'Delete', 'data-focus': `delete ${key}`, onclick: () => page.remove(key)}, icon('remove')));
        return row;
    };
    const groups = (/** @type {Row[]} */ chats) => DAYS.flatMap((day) => {
        const rows = chats.filter(({updated}) => dayOf(updated) === day);
        if (!rows.length) return [];
        return [make('h3', {id: `chats-${day}`}, day), make('ul', {role: 'list', 'aria-labelledby': `chats-${day}`}, ...rows.map(draw))];
    });
    const focus = (/** @type {string} */ name) => {
        const node = /** @type {HTMLElement | null} */ (list.querySelector(`[data-focus="${CSS.escape(name)}"]`));
        node?.focus();
        return node;
    };
    const drawList = () => {
        if (list.querySelector('form')) return;  // a title is being written: draw when it is done
        const active = /** @type {HTMLElement | null} */ (document.activeElement);
        const focused = active && list.contains(active) ? active.dataset.focus : '';
        const sought = search.value.trim().toLowerCase();
        const all = store.list();
        const found = sought ? all.filter(({key, title}) => title.toLowerCase().includes(sought) || wordsOf(key).includes(sought)) : all;
        const none = all.length ? `No chat has “${search.value.trim()}” in it.` : 'Your chats are saved only in this browser.';
        list.replaceChildren(...(found.length ? groups(found) : [make('p', {class: 'none'}, none)]));
        search.hidden = !all.length;
        // What had the focus may be gone: a neighbour gets it.
        if (focused && !focus(focused)) /** @type {HTMLElement} */ (list.querySelector('.title') ?? nav.querySelector('.new')).focus();
    };
    const drawNotes = () => {
        const lines = [];
        if (store.fault) lines.push(make('p', {class: 'warning'}, FAULTS[store.fault]));
        if (location.hostname.endsWith('.gradio.live')) lines.push(make('p', {}, SHARED));
        notes.replaceChildren(...lines);
        // Where one looks: above the message box.
        find('elsewhere').replaceChildren(...(store.isForeign(page.openKey()) ? [make('p', {class: 'news', role: 'status'}, 'This chat was changed in another tab. ',
            button({onclick: () => page.open(page.openKey())}, 'Show it as it is there'))] : []));
    };
    const render = () => { drawList(); drawNotes(); };

    // The menu
    const file = make('input', {type: 'file', accept: '.json,application/json', hidden: true, onchange: async () => {
        const chosenFile = file.files?.[0];
        if (chosenFile) await page.importFile(chosenFile);
        file.value = '';
    }});
    const item = (/** @type {string} */ label, /** @type {() => void} */ work) => button({onclick: () => { unfolding.close(); unfolding.focus(); work(); }}, label);
    const summary = make('summary', {}, icon('files'), 'Export and import');
    const menu = make('details', {class: 'files'}, summary, make('div', {class: 'menu'},
        item('Export this chat (JSON)', page.exportJson),
        item('Export this chat (Markdown)', page.exportMarkdown),
        item('Export all chats (JSON)', page.exportAll),
        item('Import chats…', () => file.click())));

    // On a phone the sidebar lies over the page: a tap beside it and Esc close it.
    const opener = () => /** @type {HTMLElement} */ (document.querySelector('.fold'));
    const close = () => { fold(true); opener().focus(); };
    nav.addEventListener('keydown', (event) => {
        if (event.key !== 'Escape') return;
        if (!phone.matches) return;
        close();
        event.stopPropagation();
    });
    const unfolding = makeMenu(menu);
    opener().append(icon('panel'));
    opener().setAttribute('aria-expanded', 'true');
    opener().addEventListener('click', () => fold(!isFolded()));
    new MutationObserver(() => {
        if (opener().getAttribute('aria-expanded') === String(!isFolded())) return;
        opener().setAttribute('aria-expanded', String(!isFolded()));
        if (phone.matches && !isFolded()) /** @type {HTMLElement} */ (nav.querySelector('.new')).focus();
    }).observe(document.body, {attributes: true, attributeFilter: ['class']});
    fold(phone.matches);
    phone.addEventListener('change', () => fold(phone.matches));

    nav.append(
        make('div', {class: 'top'},
            button({class: 'new', onclick: chosen(page.begin)}, icon('add'), 'New chat'),
            button({class: 'close', 'aria-label': 'Close the list of chats', onclick: close}, icon('close'))),
        search, list, notes, menu, file);
    element.append(make('div', {class: 'backdrop', onclick: close}));
    return {render};
};
