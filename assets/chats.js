// The chats that this browser keeps (store.js), and what the server and this page tell each other
// about them. The server sends what to keep as `props.value` (frame.py says how); a click goes back:
// {key, chat} opens a kept chat, {key, name} names the open one, {} begins a new one.
const FAULTS = {
    '': '',
    'full': 'This browser’s storage is full: the chat is not saved. Export it, or delete some chats.',
    'nearly full': 'This browser’s storage is almost full. Export chats, then delete some of them.',
    'refused': 'This browser lets the page store nothing: chats are lost when the page is closed. Export them.',
};
const UNDO_MS = 8000;

const store = makeStore();
const gone = new Map();  // chats deleted here: the server may still send one that has just ended
const copies = new Map();  // chats that go on under another key, because another tab changed them
let open = '';  // the key of the open chat
let shown = {chat: ''};  // what the server last sent of it
let isRestoring = false;  // the server had lost the open chat, and gets it again
let last = () => {};  // does once more what was last asked of the server
let told = '';  // which fault was said

const box = () => document.querySelector('#message textarea');

// What a reload of this tab comes back to; a browser that refuses begins anew.
const recall = (name) => { try { return sessionStorage.getItem(`llama-ui:${name}`) ?? ''; } catch { return ''; } };
const remember = (name, text) => { try { sessionStorage.setItem(`llama-ui:${name}`, text); } catch { /* as above */ } };

// One line over the page, with a way back from what it tells.
const aloud = make('div', {role: 'status'});
element.append(aloud);
const say = (text, undo = null) => {
    const line = make('div', {class: 'toast'}, make('span', {}, text));
    const close = () => line.remove();
    if (undo) line.append(button({onclick: () => { close(); undo(); }}, 'Undo'));
    else line.append(button({'aria-label': 'Dismiss', onclick: close}, picture('M6 6l12 12M18 6L6 18')));
    aloud.replaceChildren(line);
    setTimeout(close, UNDO_MS);
};

const openChat = (key) => {
    copies.delete(key);
    trigger('click', {key, chat: store.open(key)});
};
const newChat = (options = {}) => {
    trigger('click', options);
    box()?.focus();
};
const deleteChat = (key, options = {}) => {
    const wasOpen = key === open;
    if (wasOpen) newChat(options);
    if (!store.read(key)) return;  // nothing was said in it yet
    gone.set(key, store.remove(key));
    view.render();
    say('The chat is deleted.', () => {
        const row = gone.get(key);
        gone.delete(key);
        store.put(row);
        if (wasOpen && !shown.chat) openChat(key);
        view.render();
    });
};
const renameChat = async (key, name) => {
    if (key === open) {
        last = () => renameChat(key, name);
        trigger('click', {key, name});
        return;
    }
    const before = store.read(key);
    const {title, chat, fault} = await asked(server.rename_chat({chat: before, name}));
    if (fault) say(fault);
    else if (!store.replace(key, before, title, chat)) say('Another tab has just changed this chat. Try again.');
    view.render();
};
const importChats = async (file) => {
    const {chats, fault} = await readFile(file);
    if (fault) { say(fault); return; }
    const now = Date.now();
    chats.forEach(({title, chat}, place) => store.add(title, chat, now - place));
    view.render();
    if (!store.fault) say(chats.length === 1 ? 'One chat is imported.' : `${chats.length} chats are imported.`);
};

// Write down what the server sends of a chat; returns under which key.
const keep = ({key: sent, title, chat}, isOpen) => {
    const key = copies.get(sent) ?? sent;
    if (gone.has(key)) gone.get(key).chat = chat;
    else if (chat && !store.keep(key, title, chat)) {
        const copy = newKey();
        const name = `${title} (copy)`;
        copies.set(key, copy);
        store.keep(copy, name, chat);
        if (isOpen) renameOpen(copy, name);
        say('This chat was changed in another tab. Both are kept: here it goes on as a copy.');
        return copy;
    }
    return key;
};
const renameOpen = (key, name) => {
    last = () => renameOpen(key, name);
    trigger('click', {key, name});
};
const hear = () => {
    const sent = props.value ?? [];
    if (!sent.length) return;
    if (sent[0].lost !== undefined) {
        isRestoring = true;
        trigger('click', shown.chat ? {key: open, chat: shown.chat} : {});
        return;
    }
    const isFirst = !open;
    const keys = sent.map((chat, place) => keep(chat, place === sent.length - 1));
    open = keys.at(-1);
    shown = sent.at(-1);
    if (isFirst) resume();
    else remember('open', open);
    if (isRestoring) { isRestoring = false; last(); }
    view.render();
};
const resume = () => {
    const key = recall('open');
    if (key && store.read(key)) openChat(key);
    if (recall('draft') && box() && !box().value) type(box(), recall('draft'));
};

const view = makeView();
watch('value', hear);
hear();

document.addEventListener('new-chat', () => newChat());
document.addEventListener('clear-chat', () => deleteChat(open, {same_options: true}));
window.addEventListener('storage', ({key}) => {
    if (key !== null && !key.startsWith('llama-ui:chat')) return;
    store.retry();
    view.render();
});
window.addEventListener('pagehide', () => remember('draft', box()?.value ?? ''));
window.addEventListener('beforeunload', (event) => {
    if (store.fault === 'full') event.preventDefault();
});
// What a visitor asks elsewhere on the page is asked again if the server had lost the chat.
document.addEventListener('click', ({target}) => {
    const pressed = target.closest('#send, #undo, #transcript [data-act]');
    if (!pressed) return;
    const {act, n} = pressed.dataset;
    const selector = act ? `#transcript [data-act="${act}"][data-n="${n}"]` : `#${pressed.id}`;
    last = () => document.querySelector(selector)?.click();
}, true);
document.addEventListener('submit', ({target}) => {
    if (target.matches('.editor')) last = () => target.requestSubmit();
}, true);
document.addEventListener('keydown', ({key, shiftKey, target}) => {
    if (key === 'Enter' && !shiftKey && target === box()) last = () => document.getElementById('send')?.click();
}, true);
