// The page: what is open, what runs, and what each button does. The server keeps no chat.
import {badgeOf} from './captions.js';
import {button, copy, find, fit, icon, make} from './dom.js';
import {changed, emptyChat, fromText, pathOf, titleOf, toText} from './chat.js';
import {exportAll, exportJson, exportMarkdown, readFile} from './transfer.js';
import {drawMeter, showPrompt} from './meter.js';
import {drawForm} from './form.js';
import {asControls, greyOptions, makeOptions} from './options.js';
import {makePresets} from './presets.js';
import {makeScroll} from './scroll.js';
import {FAULTS, makeSidebar} from './sidebar.js';
import {makeStore, newKey} from './store.js';
import {makeTranscript} from './transcript.js';
import {ask, Fault, isThere, leave, logOut, states, stream} from './server.js';
import {Turn} from './turn.js';

/** @typedef {import('./chat.js').Chat} Chat */

const UNDO_MS = 8000;
const METER_MS = 250;
const AWAY_MS = 3000;  // between two looks whether the server is there again
// A token is no more than so many characters: messages before the last window of them are left out anyway.
const CHARS_A_TOKEN = 16;

/**
 * @param {HTMLElement} element the shell (llama_ui/web/page/layout.py)
 * @param {{defaults: any, readOptions: () => void, writeOptions: () => void}} gradio
 */
export const start = (element, gradio) => {
    const {options: defaults, presets: readyMade, examples, rows} = gradio.defaults;
    const store = makeStore();
    const owner = newKey();
    /** @type {Map<string, Turn>} */
    const turns = new Map();  // by the key of their chat
    /** @type {Map<string, any>} */
    const gone = new Map();  // chats deleted here: a turn may still write to one
    /** @type {any} */
    let model = {state: 'loading', name: '', progress: 'loading', info: null, longest: 0};
    let isAway = false;
    let saidFault = '';

    // ---- What is open

    let key = newKey();
    const fresh = (/** @type {Chat} */ chat) => ({
        chat, html: new Map(), tokens: new Map(), leftOut: new Set(), going: new Set(),
        explained: /** @type {number | null} */ (null), compared: /** @type {number[]} */ ([]), isWriting: false,
        goingOn: /** @type {number | null} */ (null),
    });
    let view = fresh(emptyChat());
    /** @type {Map<string, ReturnType<typeof fresh>>} */
    const views = new Map();  // of chats whose reply is being written, while another is shown

    const box = /** @type {HTMLTextAreaElement} */ (element.querySelector('#message textarea'));
    const recall = (/** @type {string} */ name) => { try { return sessionStorage.getItem(`llama-ui:${name}`) ?? ''; } catch { return ''; } };
    const remember = (/** @type {string} */ name, /** @type {string} */ text) => { try { sessionStorage.setItem(`llama-ui:${name}`, text); } catch { /* refused: a reload begins anew */ } };

    // ---- What is said

    const aloud = make('div', {role: 'status'});
    find('sidebar').append(aloud);
    const say = (/** @type {string} */ text, /** @type {null | (() => void)} */ undo = null) => {
        const line = make('div', {class: 'toast'}, make('span', {}, text));
        const close = () => line.remove();
        line.append(undo ? button({onclick: () => { close(); undo(); }}, 'Undo') : button({'aria-label': 'Dismiss', onclick: close}, icon('close')));
        aloud.replaceChildren(line);
        setTimeout(close, UNDO_MS);
    };
    const notice = find('notice');
    const news = (/** @type {string} */ text) => notice.replaceChildren(...(text ? [make('div', {class: 'news', role: 'status'}, text)] : []));
    const fail = (/** @type {unknown} */ fault) => {
        if (!(fault instanceof Fault)) throw fault;
        notice.replaceChildren(make('div', {class: 'fault', role: 'alert'}, make('strong', {}, fault.problem), ' ', fault.next_step));
        if (fault.isAway) lookForServer();
    };

    // ---- Keeping

    // Write a chat down, wherever it is shown.
    const keep = (/** @type {string} */ of, /** @type {Chat} */ chat) => {
        const removed = gone.get(of);
        if (removed) { removed.chat = toText(chat); return; }
        if (!chat.nodes.length) return;
        if (!store.keep(of, titleOf(chat), toText(chat))) {
            // Another tab has written to it meanwhile: here it goes on as a copy.
            const copyKey = newKey();
            chat.name = `${titleOf(chat)} (copy)`;
            store.keep(copyKey, chat.name, toText(chat));
            const turn = turns.get(of);
            if (turn) { turn.chat.name = chat.name; turns.delete(of); turns.set(copyKey, turn); }
            if (of === key) { key = copyKey; view.chat.name = chat.name; remember('open', key); }
            say('This chat was changed in another tab. Both are kept: here it goes on as a copy.');
        }
        sidebar.render();
        if (store.fault && store.fault !== saidFault) say(FAULTS[store.fault]);
        saidFault = store.fault;
    };

    // ---- Drawing

    const actions = find('actions');
    const [send, stop] = [find('send'), find('stop')];
    const running = find('running');
    const draw = () => {
        const turn = turns.get(key);
        view.isWriting = Boolean(turn?.isAccepted);
        view.goingOn = turn?.isAccepted ? turn.goingOn : null;
        if (turn?.isAccepted) view.chat = turn.chat;
        const hadFocus = document.activeElement === stop || document.activeElement === send
            || find('transcript').contains(document.activeElement) || actions.contains(document.activeElement);
        transcript.draw(view);
        running.replaceChildren(...(turn ? [...(turn.bubble && !turn.isAccepted ? [turn.bubble] : []), turn.node] : []));
        if (turn?.bubble && !turn.isAccepted && view.chat.head === null) find('transcript').replaceChildren();
        send.hidden = Boolean(turn);
        stop.hidden = !turn;
        stop.toggleAttribute('disabled', Boolean(turn?.isStopping));
        actions.hidden = Boolean(turn) || view.chat.head === null;
        find('frame').classList.toggle('is-empty', view.chat.head === null && !turn);
        // A button that disappears takes the focus with it.
        if (hadFocus && document.activeElement === document.body) box.focus();
    };

    const readAloud = make('p', {class: 'sr-only', role: 'status'});
    find('footer').append(readAloud);

    // Take what the last update of a turn or a change tells into a view.
    const take = (/** @type {ReturnType<typeof fresh>} */ into, /** @type {any} */ last, /** @type {Turn | null} */ turn) => {
        for (const [n, html] of Object.entries(last.html)) into.html.set(Number(n), html);
        for (const [n, drawnNow] of Object.entries(last.tokens)) {
            const number = Number(n);
            const begun = turn?.action.do === 'branch' ? turn.begun : turn?.goingOn === number ? into.tokens.get(number) : [];
            if (begun) into.tokens.set(number, [...begun, .../** @type {any[]} */ (drawnNow)]);
        }
        if (last.missing && model.info) { model.info.missing = last.missing; drawModel(); }
        if (last.left_out) into.leftOut = new Set(last.left_out);
        into.compared = last.replies?.length > 1 ? last.replies : [];
        into.explained = turn?.action.do === 'branch' && last.replies && into.tokens.has(last.replies[0]) ? last.replies[0] : null;
    };

    // ---- Turns

    // Do what the server must do: ask the model, or change what is shown.
    const act = async (/** @type {any} */ action, /** @type {string} */ typed = '') => {
        if (turns.has(key)) { fail(new Fault('A reply is still being written.', 'Wait for it, or stop it first.')); return; }
        notice.replaceChildren();
        scroll.restart();
        const [of, shown] = [key, view];
        const turn = new Turn({
            chat: view.chat, options: null, action, owner,
            keep: (/** @type {Chat} */ chat) => keep(keyOf(turn), chat),
            changed: () => draw(),
        });
        if (action.do === 'branch') turn.begun = branchTokens(action);
        if (typed) turn.bubble = make('article', {class: 'turn user sending'}, make('div', {class: 'typed', dir: 'auto'}, typed));
        turns.set(of, turn);
        draw();
        turn.of.options = await options.read();
        const {last, fault} = await turn.run();
        const now = keyOf(turn);
        turns.delete(now);
        shown.chat = turn.chat;
        if (last) take(shown, last, turn);
        if (turn.isAccepted || last) keep(now, turn.chat);
        views.delete(now);
        if (now !== key) { sidebar.render(); return; }
        if (!turn.isAccepted && typed && fault) {
            // It was not taken: its text goes back, unless something else was typed meanwhile.
            if (!box.value) type(typed); else say(`Not sent: “${typed.slice(0, 60)}”`, () => type(typed));
        }
        draw();
        sidebar.render();
        if (fault) fail(fault);
        else if (last?.same === true) news('Replayed: the same reply, word for word.');
        else if (last?.same === false) news('Replayed with the same settings, with another reply. Both are kept as versions.');
        const head = turn.chat.head;
        readAloud.textContent = last?.replies && head !== null ? `Reply: ${turn.chat.nodes[head].text.slice(0, 2000)}` : '';
        measure();
    };
    const keyOf = (/** @type {Turn} */ turn) => [...turns].find(([, other]) => other === turn)?.[0] ?? key;
    const branchTokens = (/** @type {{n: number, ids: number[]}} */ {n, ids}) => {
        const before = view.tokens.get(n) ?? [];
        const place = ids.length - 1;
        const chosen = before[place].top.find((/** @type {[number, string, number, boolean]} */ [id]) => id === ids[place]);
        return chosen ? [...before.slice(0, place), {...before[place], id: chosen[0], piece: chosen[1], logprob: chosen[2], ends: false}] : null;
    };

    // Change what is shown, without asking the model.
    const change = async (/** @type {any} */ action) => {
        if (turns.has(key)) { fail(new Fault('A reply is still being written.', 'Wait for it, or stop it first.')); return; }
        const [of, shown] = [key, view];
        notice.replaceChildren();
        /** @type {any} */
        let last = null;
        try {
            const held = await options.read();
            /** @type {Fault | null} */
            let fault = null;
            await stream('page/turn', {turn: newKey(), owner, chat: shown.chat, options: held, action}, (update) => {
                if (update.type === 'fault') fault = new Fault(update.problem, update.next_step);
                if (update.type === 'html') for (const [n, html] of Object.entries(update.html)) shown.html.set(Number(n), html);
                if (update.type === 'html' && shown === view) draw();
                if (update.type === 'done') last = update;
            });
            if (fault) throw fault;
        } catch (fault) {
            if (of === key) fail(fault);
            return;
        }
        if (!last) return;
        const before = shown.chat;
        if (action.do !== 'open') {
            shown.chat = changed(before, last.chat);
            keep(of, shown.chat);
        }
        take(shown, last, null);
        const lacks = pathOf(shown.chat).some((n) => shown.chat.nodes[n].role === 'assistant' && !shown.html.has(n));
        if (shown === view) { draw(); sidebar.render(); measure(); }
        if (lacks && action.do !== 'open') await change({do: 'open'});
    };

    const doAct = (/** @type {any} */ action) => {
        const isReply = action.do === 'edit' && view.chat.nodes[action.n]?.role === 'assistant';
        return ['select', 'pin', 'undo'].includes(action.do) || isReply ? change(action) : act(action);
    };

    // ---- The message box

    const type = (/** @type {string} */ text) => { box.value = text; fit(box); measureSoon(); };
    const submit = (/** @type {any} */ action = {do: 'ask'}) => {
        // Half a character, as some input methods leave one, is none.
        const text = box.value.toWellFormed();
        if (!text.trim()) { fail(new Fault('The message is empty.', 'Type a message and send it.')); return; }
        if (turns.has(key)) { fail(new Fault('A reply is still being written.', 'Wait for it, or stop it first.')); return; }
        // At once: what is typed from now on belongs to the next message.
        type('');
        act({...action, text}, text);
    };
    box.addEventListener('input', () => { fit(box); measureSoon(); if (notice.querySelector('.fault')) notice.replaceChildren(); });
    box.addEventListener('keydown', (event) => {
        // Safari ends a composition before the key that confirms it: its code is 229 then.
        if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
            event.preventDefault();
            submit();
        }
        if (event.key === 'ArrowUp' && !box.value) {
            const buttons = document.querySelectorAll('#transcript .turn.user [data-act="edit"]');
            if (!buttons.length) return;
            event.preventDefault();
            /** @type {HTMLElement} */ (buttons[buttons.length - 1]).click();
        }
    });
    send.addEventListener('click', () => { submit(); box.focus(); });
    stop.addEventListener('click', () => turns.get(key)?.stop());
    find('undo').addEventListener('click', async () => {
        const asked = pathOf(view.chat).filter((n) => view.chat.nodes[n].role === 'user').at(-1);
        const [before, of] = [view.chat.head, key];
        await change({do: 'undo'});
        if (asked === undefined || view.chat.head === before) return;
        if (!box.value) type(view.chat.nodes[asked].text);
        say('The last exchange is taken back.', () => {
            if (key !== of) return;
            if (box.value === view.chat.nodes[asked].text) type('');
            change({do: 'select', n: before});
        });
    });
    find('copy-all').addEventListener('click', () => {
        const said = pathOf(view.chat).map((n) => view.chat.nodes[n]).map(({role, text}) => `**${role === 'user' ? 'You' : 'Reply'}**\n\n${text}`);
        copy(said.join('\n\n'), find('copy-all'));
    });
    find('clear').addEventListener('click', () => removeChat(key, true));

    // ---- Chats

    const show = async (/** @type {string} */ of, /** @type {Chat} */ chat, keepOptions = false) => {
        const before = turns.get(key);
        if (before) views.set(key, view);
        key = of;
        remember('open', key);
        notice.replaceChildren();
        const held = views.get(of);
        view = held ?? fresh(chat);
        scroll.restart();
        draw();
        sidebar.render();
        if (!keepOptions) options.write(asControls(chat.options, defaults));
        measure();
        if (!held && chat.head !== null) await change({do: 'open', whole: true});
    };
    const openChat = (/** @type {string} */ of) => {
        const chat = fromText(store.open(of));
        if (chat) return show(of, chat);
        fail(new Fault('This chat is damaged and cannot be opened.', 'Delete it, or import an export of it.'));
        return null;
    };
    const newChat = (keepOptions = false) => {
        show(newKey(), emptyChat(), keepOptions);
        box.focus();
    };
    const removeChat = (/** @type {string} */ of, keepOptions = false) => {
        const wasOpen = of === key;
        turns.get(of)?.stop();
        const row = store.read(of) ? store.remove(of) : null;
        if (row) gone.set(of, row);
        if (wasOpen) newChat(keepOptions);
        sidebar.render();
        if (!row) return;
        say('The chat is deleted.', () => {
            gone.delete(of);
            store.put(row);
            if (wasOpen && view.chat.head === null) openChat(of);
            sidebar.render();
        });
    };
    const renameChat = (/** @type {string} */ of, /** @type {string} */ name) => {
        const turn = turns.get(of);
        if (turn) turn.chat.name = turn.of.chat.name = name;
        if (of === key) {
            view.chat = {...view.chat, name};
            if (turn) keep(of, {...turn.partial, name}); else keep(of, view.chat);
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
        if (!view.chat.nodes.length) { say('Nothing has been said in this chat yet.'); return null; }
        return work(turns.get(key)?.partial ?? view.chat);
    });
    const sidebar = makeSidebar(find('sidebar'), store, {
        openKey: () => key,
        isWriting: (of) => turns.has(of) && of !== key,
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

    // ---- What the model sees

    const options = makeOptions(gradio, (held) => { measureSoon(); presets?.draw(); drawForm(held.form); });
    Object.assign(window, {llamaUI: {...options.calls, compare: (/** @type {string} */ difference, /** @type {string} */ value) => submit({do: 'compare', difference, value})}});

    // The newest messages, as many as can fit into the window: the others are left out anyway.
    const recent = () => {
        const {chat} = view;
        const room = (model.info?.context_length ?? 0) * CHARS_A_TOKEN;
        const path = pathOf(chat);
        let [from, chars] = [path.length, 0];
        while (from > 0 && chars <= room) {
            from -= 1;
            chars += chat.nodes[path[from]].text.length;
        }
        while (from > 0 && chat.nodes[path[from]].role !== 'user') from -= 1;
        const firstUser = path.slice(0, from).filter((n) => chat.pinned.includes(n));
        const sent = [...firstUser.flatMap((n) => path.slice(path.indexOf(n), path.indexOf(n) + 2)), ...path.slice(from)];
        const nodes = sent.map((n, place) => ({role: chat.nodes[n].role, text: chat.nodes[n].text, parent: place ? place - 1 : null}));
        const pinned = sent.flatMap((n, place) => (chat.pinned.includes(n) ? [place] : []));
        return {sent, older: path.filter((n) => !sent.includes(n)), chat: {nodes, head: sent.length ? sent.length - 1 : null, name: '', pinned}};
    };
    let measuring = 0;  // the timer of the next measure
    /** @type {AbortController | null} */
    let asking = null;
    const measureSoon = () => { clearTimeout(measuring); measuring = setTimeout(measure, METER_MS); };
    const measure = async () => {
        clearTimeout(measuring);
        if (model.state !== 'ready' || turns.has(key)) return;
        asking?.abort();
        asking = new AbortController();
        const {signal} = asking;
        const [of, {sent, older, chat}] = [key, recent()];
        try {
            const measured = await ask('page/meter', {chat, options: await options.read(), draft: box.value}, signal);
            if (of !== key || signal.aborted) return;
            const leftOut = [...(measured.window ? older : []), ...measured.left_out.map((/** @type {number} */ place) => sent[place])];
            find('meter').replaceChildren(...(measured.window ? [drawMeter({...measured, left_out: leftOut})] : []));
            view.going = new Set(leftOut);
        } catch (fault) {
            if (signal.aborted) return;
            if (!(fault instanceof Fault)) throw fault;
            // A server that is gone is told once, by the banner.
            if (fault.isAway) lookForServer();
            else find('meter').replaceChildren(make('div', {class: 'fault', role: 'alert'}, make('strong', {}, fault.problem), ' ', fault.next_step));
            view.going = new Set();
        }
        draw();
    };
    const seePrompt = async (/** @type {any} */ what) => {
        try { showPrompt(await ask('page/prompt', {chat: view.chat, options: await options.read(), ...what})); } catch (fault) { fail(fault); }
    };
    find('show-prompt').addEventListener('click', () => seePrompt({draft: box.value}));

    const transcript = makeTranscript(find('transcript'), {
        act: doAct,
        showPrompt: (n) => seePrompt({n}),
        explain: (n) => { view.explained = view.explained === n ? null : n; draw(); },
        optionRows: () => rows,
        missing: () => model.info?.missing ?? {},
        welcome: () => make('section', {class: 'welcome'}, logo(), make('h2', {}, 'What shall we talk about?'),
            make('p', {}, 'Runs on this server. Nothing you type is sent anywhere else.'),
            make('div', {class: 'examples'}, ...examples.map((/** @type {string} */ text, /** @type {number} */ n) => button(
                {class: 'example', 'data-act': 'example', 'data-n': n, onclick: () => act({do: 'ask', text}, text)}, text))),
            make('p', {class: 'keys'}, make('kbd', {}, 'Enter'), ' sends · ', make('kbd', {}, 'Shift'), '+', make('kbd', {}, 'Enter'), ' breaks the line · ',
                make('kbd', {}, 'Esc'), ' stops · ', make('kbd', {}, '↑'), ' edits your last message')),
    });
    const logo = () => /** @type {Node} */ (element.querySelector('.brand svg')).cloneNode(true);
    const scroll = makeScroll(find('chat'));

    // ---- The model

    const drawModel = () => {
        const {info, fault} = model;
        find('badge').replaceChildren(make('span', {class: `badge ${isAway ? 'away' : model.state}`, role: 'status'}, isAway ? 'Connection lost' : badgeOf(model)));
        if (model.logged_in && !find('header').querySelector('.log-out')) find('header').append(button({class: 'log-out', onclick: logOut}, 'Log out'));
        const missing = info?.missing ?? {};
        find('show-prompt').hidden = 'exact_prompt' in missing;
        greyOptions(Object.fromEntries(rows.map((/** @type {any} */ row) => [row.name, row.feature])), missing);
        const lines = (info?.notes ?? []).map((/** @type {string} */ note) => make('p', {class: 'warning'}, note));
        const link = (/** @type {string} */ href, /** @type {string} */ text) => make('a', {href, target: '_blank', rel: 'noopener'}, text);
        if (info?.licence) lines.push(make('p', {}, `${info.licence.text} `, link(info.licence.url, 'Licence'), ' · ', link(info.licence.policy_url, 'Acceptable use')));
        find('about').replaceChildren(...lines);
        if (fault && !notice.childNodes.length) fail(new Fault(fault.problem, fault.next_step));
    };
    const watchModel = async () => {
        try {
            await states((state) => {
                const wasReady = model.state === 'ready';
                model = state;
                drawModel();
                if (!wasReady && model.state === 'ready') { draw(); measure(); }
            });
        } catch { lookForServer(); }
    };
    const lookForServer = async () => {
        if (isAway || await isThere()) return;
        isAway = true;
        const banner = make('div', {class: 'banner', role: 'alert'}, 'Connection lost. Your draft is safe. Reconnecting…');
        find('main').prepend(banner);
        drawModel();
        while (!(await isThere())) await new Promise((resolve) => { setTimeout(resolve, AWAY_MS); });
        isAway = false;
        banner.remove();
        notice.replaceChildren();
        model = {...model, state: 'loading'};
        watchModel();
    };

    // ---- Keys, and what else is on the page

    find('options').querySelector('.options-button')?.append(icon('close'));
    find('keys').append(button({class: 'options-button', 'aria-controls': 'options', 'aria-expanded': 'false'}, icon('sliders'), 'Advanced options'));
    document.addEventListener('click', ({target}) => {
        if (!(target instanceof Element)) return;
        const copyCode = /** @type {HTMLElement | null} */ (target.closest('.copy-code'));
        if (copyCode) copy(copyCode.closest('.code-block')?.querySelector('code')?.textContent ?? '', copyCode);
        if (target.closest('.options-button')) foldOptions();
    });
    const foldOptions = () => {
        const isOpen = find('frame').classList.toggle('options-open');
        const opener = /** @type {HTMLElement} */ (find('keys').querySelector('.options-button'));
        opener.setAttribute('aria-expanded', String(isOpen));
        (isOpen ? /** @type {HTMLElement} */ (find('options').querySelector('.options-button')) : opener).focus();
    };
    document.addEventListener('keydown', (event) => {
        if (event.key === 'Escape' && turns.has(key)) { event.preventDefault(); turns.get(key)?.stop(); }
        if (event.key.toLowerCase() === 'o' && event.shiftKey && (event.ctrlKey || event.metaKey)) { event.preventDefault(); newChat(); }
    });
    window.addEventListener('storage', ({key: name}) => {
        if (name !== null && !name.startsWith('llama-ui:chat')) return;
        store.retry();
        sidebar.render();
    });
    window.addEventListener('pagehide', () => {
        remember('draft', box.value);
        for (const turn of turns.values()) if (turn.isAccepted) turn.keep();
        leave(owner);
    });
    window.addEventListener('beforeunload', (event) => { if (store.fault === 'full') event.preventDefault(); });

    const presets = makePresets(readyMade);
    drawForm(defaults.form);
    const [open, draft] = [recall('open'), recall('draft')];
    if (open && store.read(open)) openChat(open);
    else { remember('open', key); draw(); sidebar.render(); }
    if (draft && !box.value) type(draft);
    if (store.fault) { say(FAULTS[store.fault]); saidFault = store.fault; }
    drawModel();
    watchModel();
    // Not before: what is typed earlier would be sent by nobody.
    box.disabled = false;
    box.focus();
};
