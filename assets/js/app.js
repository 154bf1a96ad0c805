// The page: its parts, put together. The server keeps no chat.
import {copy, find, icon, make} from './dom.js';
import {Fault, leave} from './server.js';
import {Page, recall, remember} from './page.js';
import {makeAttachments} from './attachments.js';
import {drawExamples} from './examples.js';
import {drawForm} from './form.js';
import {makeChats} from './chats.js';
import {makeChips} from './chips.js';
import {makeComposer} from './composer.js';
import {makeContext} from './context.js';
import {makeMenu} from './menu.js';
import {makeModel} from './model.js';
import {makeNotices} from './notices.js';
import {asKept, makeOptions} from './options.js';
import {makePanel} from './panel.js';
import {makePresets} from './presets.js';
import {makeScroll} from './scroll.js';
import {makeStore, newKey} from './store.js';
import {makeTranscript} from './transcript.js';
import {makeTurns} from './turns.js';
import {pathOf} from './chat.js';

/**
 * @param {HTMLElement} element the shell (llama_ui/web/page/layout.py)
 * @param {{defaults: any, readOptions: () => void, writeOptions: () => void}} gradio
 */
export const start = (element, gradio) => {
    const {options: defaults, presets: readyMade, examples, rows, samplings} = gradio.defaults;
    const store = makeStore();
    const owner = newKey();
    const page = new Page();
    const notices = makeNotices(() => model.lookForServer());
    const {say, fail} = notices;
    const options = makeOptions(gradio, (now) => {
        context.measureSoon();
        presets?.draw();
        chips.draw(now);
        drawForm(now.form);
        calm();
    }, () => rows.filter((/** @type {any} */ row) => row.feature && (!page.model.info || row.feature in page.model.info.missing)).map((/** @type {any} */ row) => row.name));
    const chips = makeChips(samplings, options);
    // What was wrong with a message is old news once it is another message.
    const calm = () => { if (notices.isFault) { notices.clear(); model.draw(); } };
    const composer = makeComposer({
        submit: () => submit(),
        changed: () => context.measureSoon(),
        typed: () => calm(),
    });
    const context = makeContext(page, {
        options: options.read, draft: () => composer.text, attached: () => attachments.sent(), tooLong: (isToo) => attachments.setTooLong(isToo), fail, away: () => model.lookForServer(),
    });
    const attachments = makeAttachments(page, {fail, composer, changed: () => { calm(); context.measureSoon(); }, choose: context.choose});
    const model = makeModel(page, {rows, notices, ready: () => { page.draw(); context.measure(); }});
    const readAloud = make('p', {class: 'sr-only', role: 'status'});
    find('footer').append(readAloud);
    const {act, change, doAct, isBusy} = makeTurns(page, {
        owner, notices, options: options.read, chats: () => chats,
        began: () => scroll.restart(),
        // It was not taken: its text goes back, before what was typed meanwhile.
        refused: (typed, attached) => { composer.type([typed, composer.text].filter(Boolean).join('\n\n')); attachments.put(attached); },
        answered: (text) => { readAloud.textContent = text && `Reply: ${text.slice(0, 2000)}`; },
        learned: model.draw,
        measure: context.measure,
    });
    const chats = makeChats(page, store, notices, {
        options, defaults,
        shown: () => { scroll.restart(); context.measure(); },
        render: () => change({do: 'open', whole: true}),
        focus: composer.focus,
    });
    const submit = (/** @type {any} */ action = {do: 'ask'}) => {
        const {text} = composer;
        if (!text.trim()) { fail(new Fault('The message is empty.', 'Type a message and send it.')); return; }
        if (attachments.isReading) { fail(new Fault('A file is still being read.', 'Wait a moment and send again.')); return; }
        if (isBusy()) return;
        // At once: what is typed from now on belongs to the next message.
        composer.type('');
        act({...action, text, attachments: attachments.take()}, text);
    };
    Object.assign(window, {llamaUI: {...options.calls, compare: (/** @type {string} */ difference, /** @type {string} */ value) => submit({do: 'compare', difference, value})}});

    // ---- Drawing

    const logo = () => /** @type {Node} */ (element.querySelector('.brand svg')).cloneNode(true);
    const transcript = makeTranscript(find('transcript'), {
        act: doAct,
        showPrompt: (n) => context.seePrompt({n}),
        explain: (n) => { page.view.explained = page.view.explained === n ? null : n; page.draw(); },
        optionRows: () => rows,
        missing: () => page.model.info?.missing ?? {},
        counted: page.counted,
        welcome: () => make('section', {class: 'welcome'}, logo(), make('h2', {}, 'What shall we talk about?'),
            make('p', {}, 'Runs on this server. Nothing you type is sent anywhere else.'),
            make('div', {class: 'examples'}, ...drawExamples(examples, page.model.info?.missing ?? {}, act)),
            model.offer,
            make('p', {class: 'keys'}, make('kbd', {}, 'Enter'), ' sends · ', make('kbd', {}, 'Shift'), '+', make('kbd', {}, 'Enter'), ' breaks the line · ',
                make('kbd', {}, 'Esc'), ' stops · ', make('kbd', {}, '↑'), ' edits your last message')),
    });
    const scroll = makeScroll(find('chat'));
    const actions = /** @type {HTMLDetailsElement} */ (find('actions'));
    const [send, stop] = [find('send'), find('stop')];
    page.draw = () => {
        const {turn, view} = page;
        view.isWriting = Boolean(turn?.isAccepted);
        view.goingOn = turn?.isAccepted ? turn.goingOn : null;
        if (turn?.isAccepted) view.chat = turn.chat;
        const hadFocus = document.activeElement === stop || document.activeElement === send
            || find('transcript').contains(document.activeElement) || actions.contains(document.activeElement);
        transcript.draw(view);
        find('running').replaceChildren(...(turn ? [...(turn.bubble && !turn.isAccepted ? [turn.bubble] : []), turn.node] : []));
        if (turn?.bubble && !turn.isAccepted && view.chat.head === null) find('transcript').replaceChildren();
        send.hidden = Boolean(turn);
        stop.hidden = !turn;
        stop.toggleAttribute('disabled', Boolean(turn?.isStopping));
        actions.hidden = Boolean(turn) || view.chat.head === null;
        find('frame').classList.toggle('is-empty', view.chat.head === null && !turn);
        // A button that disappears takes the focus with it.
        if (hadFocus && document.activeElement === document.body) composer.focus();
    };

    // ---- Buttons and keys

    stop.addEventListener('click', () => page.turn?.stop());
    find('undo').addEventListener('click', async () => {
        const {view, key} = page;
        const asked = pathOf(view.chat).filter((n) => view.chat.nodes[n].role === 'user').at(-1);
        const before = view.chat.head;
        await change({do: 'undo'});
        if (asked === undefined || view.chat.head === before) return;
        const {text, attachments: attached} = view.chat.nodes[asked];
        const isEmpty = !composer.text && !attachments.sent().length;
        if (isEmpty) { composer.type(text); attachments.put(attached ?? []); }
        const put = JSON.stringify(attachments.sent());
        say('The last exchange is taken back.', () => {
            if (page.key !== key) return;
            const isUntouched = composer.text === text && JSON.stringify(attachments.sent()) === put;
            if (isEmpty && isUntouched) { composer.type(''); attachments.take(); }
            change({do: 'select', n: before});
        });
    });
    find('copy-all').addEventListener('click', () => {
        const {chat} = page.view;
        const said = pathOf(chat).map((n) => chat.nodes[n]).map(({role, text}) => `**${role === 'user' ? 'You' : 'Reply'}**\n\n${text}`);
        copy(said.join('\n\n'), find('copy-all'));
    });
    find('clear').addEventListener('click', () => chats.removeChat(page.key, true));
    send.append(icon('send'));
    stop.append(icon('stop'));
    actions.querySelector('summary')?.append(icon('more'));
    const more = makeMenu(actions);
    for (const id of ['undo', 'clear']) find(id).addEventListener('click', () => more.close());
    document.addEventListener('click', ({target}) => {
        if (!(target instanceof Element)) return;
        const copyCode = /** @type {HTMLElement | null} */ (target.closest('.copy-code'));
        if (copyCode) copy(copyCode.closest('.code-block')?.querySelector('code')?.textContent ?? '', copyCode);
    });
    // The row under the message box has words where there is room for them.
    new ResizeObserver(([{contentRect}]) => {
        find('below').classList.toggle('narrow', contentRect.width < 790 || window.innerHeight < 480);
    }).observe(find('footer'));
    makePanel();
    document.addEventListener('keydown', (event) => {
        if (event.key === 'Escape' && !event.isComposing && page.turn) { event.preventDefault(); page.turn.stop(); }
        if (event.key.toLowerCase() === 'o' && event.shiftKey && (event.ctrlKey || event.metaKey)) { event.preventDefault(); chats.newChat(); }
    });
    window.addEventListener('pagehide', () => {
        // What was sent and not taken yet is still a draft.
        const sent = [...page.turns.values()].filter((turn) => turn.bubble && !turn.isAccepted).map((turn) => turn.action);
        remember('draft', [...sent.map(({text}) => text), composer.text].filter(Boolean).join('\n\n'));
        remember('options', JSON.stringify(options.now));
        // Last: they may be too large to be kept.
        remember('attached', JSON.stringify([...sent.flatMap((action) => action.attachments ?? []), ...attachments.sent()]));
        for (const turn of page.turns.values()) if (turn.isAccepted) turn.keep();
        leave(owner);
    });

    // ---- Begin

    const presets = makePresets(readyMade, say);
    const [open, draft] = [recall('open'), recall('draft')];
    const unsent = asKept(recall('options'), defaults);
    if (unsent) page.unsent.set(open || page.key, unsent);
    if (open && store.read(open)) chats.openChat(open);
    else { if (open) page.key = open; chats.begin(); }
    if (draft && !composer.text) composer.type(draft);
    attachments.put(JSON.parse(recall('attached') || '[]'));
    chats.sayFault();
    model.draw();
    model.watch();
    composer.open();
};
