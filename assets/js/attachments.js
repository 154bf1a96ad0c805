// What is attached to the next message: read from files, shown as chips, cut to what fits.
import {Fault, ask} from './server.js';
import {asPart, showPassages} from './passages.js';
import {button, find, icon, make} from './dom.js';
import {openDialog} from './dialog.js';

const MOST = 10;
const MAX_BYTES = 10_000_000;
const MAX_CHARS = 500_000;
const LONG_PASTE = 4000;  // characters; from here on it is offered to attach what is pasted
const NAME_CHARS = 60;  // a part has more to say in its name

/**
 * @typedef {import('./chat.js').Attachment} Attachment
 * @typedef {import('./passages.js').Item} Item
 */

const number = (/** @type {number} */ value) => value.toLocaleString('en-US');

/** How long it is: tokens, where they are known. @param {Attachment} of @param {Map<string, number>} counted */
const sizeOf = ({text}, counted) => {
    const tokens = counted.get(text);
    return tokens === undefined ? `${number(text.length)} characters` : `${number(tokens)} tokens`;
};

/** A chip that opens what is attached. @param {Attachment} attachment @param {Map<string, number>} counted @param {() => void} [open] */
const drawAttachment = (attachment, counted, open) => {
    const size = sizeOf(attachment, counted);
    const show = () => openDialog({id: 'attachment', title: attachment.name}, make('p', {}, size),
        make('pre', {class: 'attached-text', dir: 'auto', tabindex: 0, role: 'region', 'aria-label': 'Text of the file'}, attachment.text));
    return button({class: 'attachment', title: `Read ${attachment.name}`, 'aria-label': `${attachment.name}, ${size}: read it`, onclick: open ?? show},
        icon('file'), make('b', {}, attachment.name), make('span', {}, size));
};

/** The chips of a message; null where nothing is attached.
 * @param {Attachment[] | undefined} attachments @param {Map<string, number>} counted */
export const drawAttachments = (attachments, counted) => (attachments?.length
    ? make('div', {class: 'attachments'}, ...attachments.map((each) => drawAttachment(each, counted))) : null);

const withOneLineEnd = (/** @type {string} */ text) => text.replaceAll(/\r\n?/g, '\n');

// The name of a file as one line of a prompt.
const nameOf = (/** @type {File} */ {name}) => [...name.toWellFormed().replace(/[\p{C}\p{Z}]+/gu, ' ').trim()].slice(0, NAME_CHARS).join('') || 'file';

/** The text of a file; throws a Fault. @param {File} file @returns {Promise<Attachment>} */
const read = async (file) => {
    let [name, text] = [nameOf(file), ''];
    if (file.size > MAX_BYTES) throw new Fault(`${name} is larger than 10 MB.`, 'Attach a part of it.');
    if (/\.(pdf|docx)$/i.test(file.name)) {
        try {
            const found = await ask('page/document', file);
            if (found.read < found.pages) name = `${name} (pages 1 to ${found.read} of ${found.pages})`;
            ({text} = found);
        } catch (fault) {
            if (!(fault instanceof Fault) || fault.isAway) throw fault;
            throw new Fault(`${name}: ${fault.problem}`, fault.next_step);
        }
    } else {
        /** @type {ArrayBuffer} */
        let bytes;
        try {
            bytes = await file.arrayBuffer();
        } catch { throw new Fault(`${name} could not be read.`, 'If it is a folder, attach the files in it.'); }
        try {
            text = new TextDecoder('utf-8', {fatal: true}).decode(bytes);
        } catch { /* said below */ }
        if (file.size && (!text || text.includes('\0'))) throw new Fault(`${name} is not text in UTF-8.`, 'Save it as such, or as PDF or .docx.');
    }
    if (!text.trim()) throw new Fault(`${name} is empty.`, 'Choose another file.');
    if (text.length > MAX_CHARS) throw new Fault(`${name} has ${number(text.length)} characters; at most ${number(MAX_CHARS)} can be attached.`, 'Attach a part of it.');
    return {name, text: withOneLineEnd(text)};
};

/**
 * @param {import('./page.js').Page} page
 * @param {{
 *     fail: (fault: unknown) => void,
 *     changed: () => void,
 *     choose: (attachments: Attachment[], how: string) => Promise<{passages: string[][], chosen: number[][]}>,
 *     composer: ReturnType<typeof import('./composer.js').makeComposer>,
 * }} on `changed` when other text would be sent, `choose` asks the server for passages that fit
 */
export const makeAttachments = (page, {fail, changed, choose, composer}) => {
    /** @type {Item[]} */
    let items = [];
    /** Of files that are being read. @type {string[]} */
    const reading = [];
    let pasted = '';  // that could be attached instead
    let isTooLong = false;
    let drawn = '';  // what stands there
    const sent = () => items.map(asPart);

    const select = async (/** @type {string} */ how) => {
        if (how === 'match' && !composer.text.trim()) {
            fail(new Fault('Nothing is asked yet.', 'Type your question first: passages are found by its words.'));
            composer.focus();
            return;
        }
        const of = items;
        try {
            const {passages, chosen} = await choose(of.map(({name, text}) => ({name, text})), how);
            if (of !== items) return;
            items = of.map((item, place) => (chosen[place].length === passages[place].length ? {...item, passages: null}
                : {...item, passages: passages[place], chosen: new Set(chosen[place])}));
            update();
        } catch (fault) { fail(fault); }
    };
    /** Why another text cannot be attached. @param {string} text */
    const faultOf = (text) => {
        if (items.length + reading.length > MOST) return new Fault(`A message takes up to ${MOST} files.`, 'Remove one first.');
        const chars = items.reduce((sum, item) => sum + asPart(item).text.length, text.length);
        return chars > MAX_CHARS ? new Fault(`Together the files have ${number(chars)} characters; at most ${number(MAX_CHARS)} can be sent.`, 'Remove one, or attach a part.') : null;
    };
    const attachPasted = () => {
        const {box} = composer;
        const [text, fault] = [pasted.toWellFormed(), faultOf(pasted)];
        if (fault) { fail(fault); return; }
        const at = box.value.indexOf(pasted);
        if (at >= 0) composer.type(box.value.slice(0, at) + box.value.slice(at + pasted.length));
        put([{name: 'pasted.txt', text}]);
        composer.focus();
    };
    const line = () => {
        const act = (/** @type {string} */ label, /** @type {() => void} */ onclick, /** @type {string} */ title) => button({onclick, title}, label);
        if (pasted) return [`You pasted ${number(pasted.length)} characters. `, act('Attach as a file', attachPasted, 'Take it out of the message and attach it')];
        const isPart = items.some(({passages}) => passages);
        if (!isTooLong && !isPart) return [];
        return [isTooLong ? 'What is attached is too long for the context window. Send only: ' : 'Only a part is sent. Click a file to see which. ',
            act('Matching passages', () => select('match'), 'Those that match your question'),
            act('The beginning', () => select('beginning'), 'As much from the beginning as fits'),
            isPart ? act('All of it', () => { items = items.map((item) => ({...item, passages: null})); update(); }, 'The whole text') : null];
    };
    const chip = (/** @type {Item} */ item) => {
        const part = asPart(item);
        const open = item.passages ? () => showPassages(item, update) : undefined;
        const label = `Remove ${part.name}`;
        return make('span', {}, drawAttachment(part, page.counted, open), button({class: 'remove', 'aria-label': label, title: label, onclick: () => {
            items = items.filter((other) => other !== item);
            update();
        }}, icon('close')));
    };
    const draw = () => {
        const now = JSON.stringify([items.map((item) => [item.name, item.chosen.size, item.passages?.length, page.counted.get(asPart(item).text)]), reading, pasted.length, isTooLong]);
        if (now === drawn) return;
        drawn = now;
        const chips = [...items.map(chip), ...reading.map((name) => make('span', {class: 'reading'}, `Reading ${name}…`))];
        const words = line();
        const place = find('attached');
        const hadFocus = place.contains(document.activeElement);
        const parts = [chips.length ? make('div', {class: 'attachments'}, ...chips) : null, words.length ? make('p', {role: 'status'}, ...words) : null];
        place.replaceChildren(...parts.filter((part) => part !== null));
        // A button that disappears takes the focus with it.
        if (hadFocus) composer.focus();
    };
    const update = () => {
        pasted = '';
        drawn = '';  // the chips act on the items that were there when they were drawn
        if (!items.length) isTooLong = false;
        draw();
        changed();
    };
    const put = (/** @type {Attachment[]} */ attachments) => {
        items = [...items, ...attachments.map((each) => ({...each, passages: null, chosen: new Set()}))];
        update();
    };
    const add = async (/** @type {Iterable<File>} */ chosen) => {
        // A list of the browser's may be empty once its event is over.
        const files = [...chosen];
        /** @type {unknown[]} */
        const faults = [];
        for (const file of files) {
            const name = nameOf(file);
            reading.push(name);
            draw();
            try {
                const fault = faultOf('');
                if (fault) throw fault;
                const found = await read(file);
                const tooMuch = faultOf(found.text);
                if (tooMuch) throw tooMuch;
                put([found]);
            } catch (fault) { faults.push(fault); }
            reading.splice(reading.indexOf(name), 1);
            draw();
        }
        const said = faults.filter((fault) => fault instanceof Fault);
        if (said.length) fail(new Fault(said.map(({problem}) => problem).join(' '), said[0].next_step));
        else if (faults.length) fail(faults[0]);
    };

    // ---- The ways in

    const attach = find('attach');
    attach.append(icon('attach'));
    attach.addEventListener('click', () => {
        const input = make('input', {type: 'file', multiple: true});
        input.addEventListener('change', () => { add(input.files ?? []); composer.focus(); });
        input.click();
    });
    const dropping = (/** @type {boolean} */ is) => find('main').classList.toggle('dropping', is);
    const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files');
    document.addEventListener('dragover', (event) => { if (hasFiles(event)) { event.preventDefault(); dropping(true); } });
    document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) dropping(false); });
    document.addEventListener('drop', (event) => {
        dropping(false);
        if (!hasFiles(event)) return;
        event.preventDefault();
        add(event.dataTransfer?.files ?? []);
    });
    composer.box.addEventListener('paste', (event) => {
        const [files, text] = [event.clipboardData?.files ?? [], event.clipboardData?.getData('text') ?? ''];
        if (files.length && !text) { event.preventDefault(); add(files); }
        // It is pasted as ever; a text box knows one kind of line end.
        if (text.length > LONG_PASTE) setTimeout(() => { pasted = withOneLineEnd(text); draw(); });
    });
    composer.box.addEventListener('input', () => { if (pasted && !composer.box.value.includes(pasted)) { pasted = ''; draw(); } });

    return {
        sent, put,
        get isReading() { return reading.length > 0; },
        /** What is attached; nothing is any more. */
        take: () => {
            const attachments = sent();
            items = [];
            update();
            return attachments;
        },
        /** Say whether it fits. @param {boolean} isToo */
        setTooLong: (isToo) => { isTooLong = isToo; draw(); },
    };
};
