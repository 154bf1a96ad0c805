// The model that answers, and the menu to choose another one (llama_ui/web/page/models.py).
import {button, find, make} from './dom.js';
import {badgeOf} from './captions.js';
import {openDialog} from './dialog.js';
import {ask, fetchModels} from './server.js';

/** @typedef {{id: string, name: string, size: string, fits: boolean, fit: string, is_here: boolean, is_present: boolean, good_at: string,
 *   licence: {name: string, url: string} | null, gated: boolean, tried: boolean}} Choice */
/** Without may_switch, nothing else is told.
 * @typedef {{may_switch: false} | {may_switch: true, free: string, here: Choice[], proposed: Choice[], offers: Choice[]}} Menu */

/** How far a load is; drawn once and kept, so that a click on Cancel meets what it was meant for.
 * @param {() => void} cancel */
const makeLoading = (cancel) => {
    const [name, text, meanwhile] = [make('strong', {}), make('span', {}), make('p', {class: 'while'})];
    const bar = make('progress', {'aria-label': 'How far the load is', max: 1});
    const stop = button({class: 'cancel', onclick: cancel}, 'Cancel');
    const node = make('div', {class: 'loading-model', hidden: true}, make('p', {}, name, text), bar, meanwhile, stop);
    return {node, show: (/** @type {any} */ model, /** @type {boolean} */ isBusy, /** @type {boolean} */ maySwitch) => {
        node.hidden = !isBusy;
        name.textContent = model.next || model.name;
        text.textContent = ` · ${model.progress}`;
        meanwhile.textContent = model.next ? `${model.name} answers until it is there.` : 'It answers as soon as it is there.';
        if (model.part === null || model.part === undefined) bar.removeAttribute('value');
        else bar.value = model.part;
        stop.hidden = !maySwitch;
    }};
};

/** A place whose content is made anew only when what it depends on is another. */
const makePlace = (/** @type {string} */ kind) => {
    const node = make('div', {class: kind});
    let seen = '';
    return {node, show: (/** @type {unknown} */ what, /** @type {() => (Node | null)[]} */ content) => {
        const now = JSON.stringify(what);
        if (now === seen) return;
        seen = now;
        node.replaceChildren(...content().filter((each) => each !== null));
    }};
};

/** @param {() => unknown} watch follows the state of the model, until none loads */
export const makeModels = (watch) => {
    /** @type {any} */
    let model = {state: 'loading', name: '', progress: '', info: null};
    /** @type {Menu | null} */
    let menu = null;
    /** What went wrong when something was asked for last. @type {{problem: string, next_step: string} | null} */
    let fault = null;
    let isAsking = false;
    const isBusy = () => isAsking || model.state === 'loading' || Boolean(model.next);

    const load = async () => {
        try { menu = await fetchModels(); } catch { menu = null; }
        draw();
    };
    const change = async (/** @type {string} */ path, /** @type {object} */ what) => {
        fault = null;
        model = {...model, switch_fault: null};
        isAsking = true;
        draw();
        try { await ask(path, what); } catch (error) { fault = /** @type {any} */ (error); }
        isAsking = false;
        draw();
        watch();
    };
    const choose = (/** @type {object} */ what) => change('page/models/switch', what);
    const cancel = () => { change('page/models/cancel', {}); };

    // ---- The menu

    const row = (/** @type {Choice} */ choice) => {
        const {licence} = choice;
        const facts = [choice.size, choice.fits ? choice.fit : '', choice.gated ? 'access must be granted' : '', choice.tried ? '' : 'not tried by us'].filter(Boolean).join(' · ');
        return make('li', {class: choice.fits ? 'model' : 'model too-large'},
            make('div', {}, make('strong', {}, choice.name),
                make('span', {class: 'facts'}, facts, ...(licence ? [facts ? ' · ' : '', make('a', {href: licence.url, target: '_blank', rel: 'noopener'}, licence.name)] : [])),
                choice.good_at ? make('p', {}, choice.good_at) : null,
                choice.fits || !choice.fit ? null : make('p', {class: 'why'}, `${choice.fit[0].toUpperCase()}${choice.fit.slice(1)}.`)),
            choice.is_present ? make('span', {class: 'present'}, 'Answers now') : button({
                class: 'choose', disabled: !choice.fits || isBusy(), 'aria-label': `${choice.is_here ? 'Use' : 'Download'} ${choice.name}`, onclick: () => choose({id: choice.id}),
            }, choice.is_here ? 'Use' : 'Download'));
    };
    const list = (/** @type {string} */ title, /** @type {Choice[]} */ choices) => (choices.length ? [make('h3', {}, title), make('ul', {}, ...choices.map(row))] : []);
    const field = make('input', {
        type: 'text', placeholder: 'owner/name or owner/name:Q4_K_M', 'aria-label': 'A model on the Hugging Face Hub', autocomplete: 'off', spellcheck: 'false', maxlength: 240,
    });
    const byName = () => make('form', {class: 'by-name', onsubmit: (event) => { event.preventDefault(); if (field.value.trim()) choose({hub: field.value.trim()}); }},
        make('h3', {}, 'Another one of the Hugging Face Hub'), make('div', {}, field, make('button', {type: 'submit', class: 'choose', disabled: isBusy()}, 'Download')));
    const answering = () => {
        const {info} = model;
        const facts = info ? [info.quantization, info.device, info.context_length && `${info.context_length.toLocaleString('en-US')} tokens`, info.adapter && `adapter ${info.adapter}`] : ['Not loaded'];
        return [make('p', {}, make('strong', {}, info?.name ?? model.name), make('span', {class: 'facts'}, facts.filter(Boolean).join(' · '))),
            ...(info?.notes ?? []).map((/** @type {string} */ note) => make('p', {class: 'note'}, note))];
    };
    const failure = (/** @type {any} */ said) => [said ? make('div', {class: 'fault', role: 'alert'}, make('strong', {}, said.problem), ' ', said.next_step) : null];
    const [answers, trouble, choices] = ['answers', 'trouble', 'choices'].map(makePlace);
    const loading = makeLoading(cancel);
    const drawMenu = () => {
        const had = /** @type {HTMLElement | null} */ (document.activeElement);
        const hadFocus = body.contains(had);
        const said = fault ?? model.switch_fault ?? model.fault;
        answers.show([model.info, model.name], answering);
        loading.show(model, isBusy(), Boolean(menu?.may_switch));
        trouble.show(said && [said.problem, said.next_step], () => failure(said));
        choices.show([menu, isBusy()], () => (menu?.may_switch
            ? [...list('On this machine', menu.here), ...list('To download', menu.proposed), byName(), make('p', {class: 'free'}, `${menu.free}.`)]
            : [make('p', {class: 'free'}, menu ? 'Whoever runs this page chooses its model.' : 'Looking at what is here…')]));
        // A button that is drawn anew, or disabled, takes the focus with it.
        if (hadFocus && !body.contains(document.activeElement)) (body.contains(had) ? had : find('models').querySelector('button'))?.focus();
    };
    const body = make('div', {class: 'models-body'}, answers.node, loading.node, trouble.node, choices.node);
    const open = () => {
        openDialog({id: 'models', title: 'Model'}, body);
        drawMenu();
        load();
    };

    // ---- What the empty page offers to who has only Pocket Llama

    const offered = (/** @type {Choice} */ choice) => button({class: 'example offered', onclick: () => choose({id: choice.id})},
        make('strong', {}, `${choice.is_here ? 'Use' : 'Get'} ${choice.name}`),
        make('span', {}, `${choice.size}, ${choice.is_here ? 'already here' : `${choice.fit} on this machine`}`), make('span', {class: 'good-at'}, choice.good_at));
    const [offers, problem] = ['offers', 'trouble'].map(makePlace);
    const coming = makeLoading(cancel);
    const offer = make('div', {class: 'offer', hidden: true}, make('p', {}, 'Pocket Llama, a toy, answers now. A real model:'), offers.node, coming.node, problem.node);
    const drawOffer = () => {
        const isToy = menu?.may_switch && menu.here.some(({id, is_present}) => id === 'pocket' && is_present);
        const best = menu?.may_switch && isToy ? menu.offers : [];
        offer.hidden = !best.length;
        const said = fault ?? model.switch_fault;
        offers.show([best, isBusy()], () => (isBusy() ? [] : best.map(offered)));
        coming.show(model, isBusy(), true);
        problem.show(said && [said.problem, said.next_step], () => failure(said));
    };

    // ---- The badge

    const badge = button({class: 'badge loading', 'aria-haspopup': 'dialog', title: 'Model', onclick: open});
    const readAloud = make('p', {class: 'sr-only', role: 'status'});
    const draw = () => { drawOffer(); if (body.isConnected) drawMenu(); };
    return {
        offer,
        /** Show the state of the model. @param {any} state @param {boolean} isAway whether its server is */
        draw: (state, isAway) => {
            const isNews = isBusy() !== (state.state === 'loading' || Boolean(state.next)) || model.name !== state.name;
            model = state;
            const text = isAway ? 'Connection lost' : `${badgeOf(model)}${model.next ? ` · ${model.next}: ${model.progress}` : ''}`;
            badge.className = `badge ${isAway ? 'away' : model.state}${model.next ? ' switching' : ''}`;
            badge.textContent = text;
            if (!badge.isConnected) find('badge').append(badge, readAloud);
            if (isNews) readAloud.textContent = text;
            if (isNews && !isAway) load();
            draw();
        },
    };
};
