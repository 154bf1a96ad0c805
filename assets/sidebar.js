// The sidebar as it is seen: a list of chats, a search, a menu. What it does is in chats.js.
const PICTURES = {
    add: 'M12 5v14M5 12h14',
    rename: 'M4 20l1-4L16 5l3 3L8 19zM14 7l3 3',
    remove: 'M4 7h16M9 7V5a1 1 0 0 1 1-1h4a1 1 0 0 1 1 1v2M6 7l1 12a1 1 0 0 0 1 1h8a1 1 0 0 0 1-1l1-12',
    files: 'M12 4v11M8 11l4 4 4-4M4 19h16',
    close: 'M6 6l12 12M18 6L6 18',
};
const DAYS = ['Today', 'Yesterday', 'Earlier'];
const SHARED = 'A share link changes when the server is started again, and the chats stay with the old one: export them.';

const dayOf = (time) => {
    const days = (new Date().setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / 86_400_000;
    return days < 0.5 ? DAYS[0] : days < 1.5 ? DAYS[1] : DAYS[2];
};

// What a search looks through: the messages, not the JSON they are kept in.
const wordsOf = (() => {
    const seen = new Map();  // key -> [chat, its words]
    return (key) => {
        const chat = store.read(key);
        if (seen.get(key)?.[0] !== chat) {
            let words = '';
            try { words = JSON.parse(chat).chat.nodes.map(({text}) => text).join('\n').toLowerCase(); } catch { /* damaged */ }
            seen.set(key, [chat, words]);
        }
        return seen.get(key)[1];
    };
})();

const makeView = () => {
    const nav = element.querySelector('nav');
    const phone = window.matchMedia('(max-width: 800px)');
    const list = make('div', {class: 'list'});
    const notes = make('div', {class: 'notes', role: 'status'});
    const search = make('input', {
        type: 'search', placeholder: 'Search chats', 'aria-label': 'Search chats', oninput: () => render(),
    });
    const isFolded = () => document.body.classList.contains('chats-folded');
    const fold = (folded) => document.body.classList.toggle('chats-folded', folded);
    // A click in the list is done with it on a phone, where it covers the page.
    const chosen = (work) => () => { work(); if (phone.matches) fold(true); };

    const rename = (row, {key, title}) => {
        const field = make('input', {value: title, maxlength: 80, 'aria-label': 'Title of the chat'});
        let isDone = false;  // taking the field away blurs it
        const done = (isKept) => {
            if (isDone) return;
            isDone = true;
            form.remove();
            if (isKept && field.value.trim() !== title) renameChat(key, field.value.trim());
            render();
            focus(`open ${key}`);
        };
        const form = make('form', {onsubmit: (event) => { event.preventDefault(); done(true); }}, field);
        field.addEventListener('keydown', (event) => {
            if (event.key === 'Escape') { event.stopPropagation(); done(false); }
        });
        field.addEventListener('blur', () => done(true));
        row.replaceChildren(form);
        field.select();
        field.focus();
    };
    const draw = (chat) => {
        const {key, title, saved} = chat;
        const row = make('li', {class: key === open ? 'kept open' : 'kept'},
            button({
                class: 'title', title, dir: 'auto', 'data-focus': `open ${key}`,
                'aria-current': key === open ? 'true' : undefined, onclick: chosen(() => openChat(key)),
            }, title),
            saved ? null : make('span', {class: 'unsaved'}, 'not saved'),
            button({
                'aria-label': `Rename ${title}`, title: 'Rename', 'data-focus': `rename ${key}`, onclick: () => rename(row, chat),
            }, picture(PICTURES.rename)),
            button({
                'aria-label': `Delete ${title}`, title: 'Delete', 'data-focus': `delete ${key}`, onclick: () => deleteChat(key),
            }, picture(PICTURES.remove)));
        return row;
    };
    const groups = (chats) => DAYS.flatMap((day) => {
        const rows = chats.filter(({updated}) => dayOf(updated) === day);
        if (!rows.length) return [];
        return [make('h3', {id: `chats-${day}`}, day), make('ul', {role: 'list', 'aria-labelledby': `chats-${day}`}, ...rows.map(draw))];
    });
    const focus = (name) => {
        const node = list.querySelector(`[data-focus="${CSS.escape(name)}"]`);
        node?.focus();
        return node;
    };
    const drawList = () => {
        if (list.querySelector('form')) return;  // a title is being written: draw when it is done
        const focused = list.contains(document.activeElement) ? document.activeElement.dataset.focus : '';
        const sought = search.value.trim().toLowerCase();
        const all = store.list();
        const found = sought ? all.filter(({key, title}) => title.toLowerCase().includes(sought) || wordsOf(key).includes(sought)) : all;
        const none = all.length ? `No chat has “${search.value.trim()}” in it.` : 'What you talk about is kept here, in this browser only.';
        list.replaceChildren(...(found.length ? groups(found) : [make('p', {class: 'none'}, none)]));
        search.hidden = !all.length;
        // What had the focus may be gone: a neighbour gets it.
        if (focused && !focus(focused)) (list.querySelector('.title') ?? nav.querySelector('.new')).focus();
    };
    const drawNotes = () => {
        const lines = [];
        if (store.fault) lines.push(make('p', {class: 'warning'}, FAULTS[store.fault]));
        if (store.isForeign(open)) {
            lines.push(make('p', {}, 'The open chat was changed in another tab. ',
                button({onclick: () => openChat(open)}, 'Show it as it is there')));
        }
        if (location.hostname.endsWith('.gradio.live')) lines.push(make('p', {}, SHARED));
        notes.replaceChildren(...lines);
        if (store.fault && store.fault !== told) say(FAULTS[store.fault]);
        told = store.fault;
    };
    const render = () => { drawList(); drawNotes(); };

    // The menu
    const file = make('input', {type: 'file', accept: '.json,application/json', hidden: true, onchange: async () => {
        if (file.files.length) await importChats(file.files[0]);
        file.value = '';
    }});
    const withOpen = (work) => async () => {
        if (!shown.chat) { say('Nothing has been said in this chat yet.'); return; }
        const fault = await work(shown);
        if (fault) say(fault);
    };
    const item = (label, work) => button({onclick: () => { menu.open = false; menu.firstChild.focus(); work(); }}, label);
    const menu = make('details', {class: 'files'},
        make('summary', {}, picture(PICTURES.files), 'Export and import'),
        make('div', {class: 'menu'},
            item('Export this chat (JSON)', withOpen(exportJson)),
            item('Export this chat (Markdown)', withOpen(exportMarkdown)),
            item('Export all chats (JSON)', () => exportAll(store.list().map(({key}) => store.read(key)))),
            item('Import chats…', () => file.click())));

    // On a phone the sidebar lies over the page: a tap beside it and Esc close it.
    const toggle = () => document.querySelector('.fold');
    const close = () => { fold(true); toggle()?.focus(); };
    nav.addEventListener('keydown', (event) => {
        if (event.key !== 'Escape') return;
        if (menu.open) { menu.open = false; menu.firstChild.focus(); } else if (phone.matches) close(); else return;
        event.stopPropagation();
    });
    document.addEventListener('click', ({target}) => {
        if (!menu.contains(target)) menu.open = false;
    });
    new MutationObserver(() => {
        const opener = toggle();
        if (!opener || opener.getAttribute('aria-expanded') === String(!isFolded())) return;
        opener.setAttribute('aria-expanded', String(!isFolded()));
        if (phone.matches && !isFolded()) nav.querySelector('.new').focus();
    }).observe(document.body, {attributes: true, attributeFilter: ['class']});
    phone.addEventListener('change', () => fold(phone.matches));

    nav.append(
        make('div', {class: 'top'},
            button({class: 'new', onclick: chosen(newChat)}, picture(PICTURES.add), 'New chat'),
            button({class: 'close', 'aria-label': 'Close the list of chats', onclick: close}, picture(PICTURES.close))),
        search, list, notes, menu, file);
    element.append(make('div', {class: 'backdrop', onclick: close}));
    return {render};
};
