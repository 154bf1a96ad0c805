// Where this browser keeps its chats: one entry a chat, and an index of titles and times, which can
// be lost: it is mended from the entries. No page in here. What cannot be written stays in memory.
import {fromText, titleOf} from './chat.js';

const INDEX = 'llama-ui:chats';
const ENTRY = 'llama-ui:chat:';
const PROBE = 'llama-ui:room';
const ROOM = 100_000;  // characters that a turn may need

export const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** What a kept text is called. @param {string} text */
const titleOfText = (text) => {
    const chat = fromText(text);
    return chat ? titleOf(chat) : 'A damaged chat';
};

/** @typedef {{title: string, updated: number, chat: string}} Entry */
/** @typedef {Entry & {key: string, saved?: boolean}} Kept a chat that was removed */

export const makeStore = () => {
    /** @type {Map<string, Entry>} */
    const unsaved = new Map();  // by key
    /** @type {Map<string, string | null>} */
    const known = new Map();  // key -> its entry as this page last read or wrote it
    let fault = '';

    // What the browser refuses is not an error of ours: remember why, and go on.
    /** @template T @param {(area: Storage) => T} work @param {T} otherwise @returns {T} */
    const attempt = (work, otherwise) => {
        try {
            return work(localStorage);
        } catch (error) {
            fault = error instanceof DOMException && error.name === 'QuotaExceededError' ? 'full' : 'refused';
            return otherwise;
        }
    };
    const entry = (/** @type {string} */ key) => attempt((area) => area.getItem(ENTRY + key), null);
    const index = () => attempt((area) => {
        /** @type {Record<string, {title: string, updated: number}>} */
        const rows = {};
        /** @type {any} */
        let found = {};
        try { found = JSON.parse(area.getItem(INDEX) ?? '{}') ?? {}; } catch { /* damaged: mended below */ }
        for (const name of Object.keys(area)) {
            if (!name.startsWith(ENTRY)) continue;
            const key = name.slice(ENTRY.length);
            const row = found[key];
            const fits = typeof row?.title === 'string' && Number.isFinite(row?.updated);
            rows[key] = fits ? row : {title: titleOfText(area.getItem(name) ?? ''), updated: 0};
        }
        return rows;
    }, {});
    const write = (/** @type {string} */ key, /** @type {string} */ title, /** @type {string} */ chat, /** @type {number} */ updated) => {
        unsaved.set(key, {title, updated, chat});
        attempt((area) => {
            area.setItem(ENTRY + key, chat);
            known.set(key, chat);
            area.setItem(INDEX, JSON.stringify({...index(), [key]: {title, updated}}));
            unsaved.delete(key);
            fault = '';
            area.setItem(PROBE, 'x'.repeat(ROOM));
        }, undefined);
        if (fault === 'full' && !unsaved.size) fault = 'nearly full';
        attempt((area) => area.removeItem(PROBE), undefined);
    };

    const store = {
        // '', 'full', 'nearly full' or 'refused'.
        get fault() { return fault; },

        // All chats, newest first.
        list() {
            const rows = {...index(), ...Object.fromEntries(unsaved)};
            return Object.entries(rows)
                .map(([key, {title, updated}]) => ({key, title, updated, saved: !unsaved.has(key)}))
                .sort((a, b) => b.updated - a.updated);
        },
        read: (/** @type {string} */ key) => unsaved.get(key)?.chat ?? entry(key) ?? '',

        /** Read a chat in order to go on with it. @param {string} key */
        open(key) {
            known.set(key, entry(key));
            return store.read(key);
        },
        // Whether another page has written to the chat since this one read or wrote it.
        isForeign: (/** @type {string} */ key) => ![null, known.get(key)].includes(entry(key)),

        /** Write a chat down; false when another page has written to it meanwhile: nothing is done then.
         * @param {string} key @param {string} title @param {string} chat */
        keep(key, title, chat) {
            const before = entry(key);
            if (before === chat && !unsaved.has(key)) { known.set(key, chat); return true; }
            if (store.isForeign(key)) return false;
            write(key, title, chat, Date.now());
            return true;
        },
        add: (/** @type {string} */ title, /** @type {string} */ chat, /** @type {number} */ updated) => write(newKey(), title, chat, updated),

        /** Write a chat in another form, in its old place in the list; false as above.
         * @param {string} key @param {string} before @param {string} title @param {string} chat */
        replace(key, before, title, chat) {
            if (store.read(key) !== before) return false;
            const row = store.list().find((one) => one.key === key);
            write(key, title, chat, row?.updated ?? Date.now());
            return true;
        },
        /** Returns what put() takes to undo it. @param {string} key @returns {Kept} */
        remove(key) {
            const row = {title: '', updated: Date.now(), ...store.list().find((one) => one.key === key), key, chat: store.read(key)};
            unsaved.delete(key);
            known.delete(key);
            attempt((area) => {
                area.removeItem(ENTRY + key);
                area.setItem(INDEX, JSON.stringify(index()));
            }, undefined);
            store.retry();
            return row;
        },
        /** @param {Kept} row */
        put({key, title, chat, updated}) {
            if (entry(key) === null) write(key, title, chat, updated);
            else if (entry(key) !== chat) store.add(title, chat, updated);
        },
        // There may be room again.
        retry() {
            fault = '';
            for (const [key, {title, chat, updated}] of unsaved) {
                if (!store.isForeign(key)) write(key, title, chat, updated);
            }
        },
    };
    attempt((area) => area.getItem(INDEX), null);
    return store;
};
