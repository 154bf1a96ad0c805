// Which model answers, whether it is ready, and whether its server is there.
import {button, find, icon, make} from './dom.js';
import {makeModels} from './models.js';
import {showAbout} from './about.js';
import {Fault, isThere, logOut, states} from './server.js';
import {greyOptions} from './options.js';
import {makeTheme} from './theme.js';

const AWAY_MS = 3000;  // between two looks whether the server is there again

/**
 * @param {import('./page.js').Page} page
 * @param {{rows: any[], notices: ReturnType<typeof import('./notices.js').makeNotices>, ready: () => void}} with_ `ready` when the model is
 */
export const makeModel = (page, {rows, notices, ready}) => {
    const models = makeModels(() => watch());
    const draw = () => {
        const {info, fault} = page.model;
        models.draw(page.model, page.isAway);
        if (page.model.logged_in && !find('corner').querySelector('.log-out')) find('corner').append(button({class: 'log-out', title: 'Log out', onclick: logOut}, 'Log out'));
        const missing = info?.missing ?? {};
        find('show-prompt').hidden = 'exact_prompt' in missing;
        greyOptions(Object.fromEntries(rows.map((/** @type {any} */ row) => [row.name, row.feature])), missing);
        const lines = (info?.notes ?? []).map((/** @type {string} */ note) => make('p', {class: 'warning'}, note));
        const link = (/** @type {string} */ href, /** @type {string} */ text) => make('a', {href, target: '_blank', rel: 'noopener'}, text);
        if (info?.licence) lines.push(make('p', {}, `${info.licence.text} `, link(info.licence.url, 'Licence'), ' · ', link(info.licence.policy_url, 'Acceptable use')));
        find('about').replaceChildren(...lines);
        if (fault && notices.isEmpty) notices.fail(new Fault(fault.problem, fault.next_step));
    };
    let following = new AbortController();
    let isLooking = false;
    // One stream at a time: a browser has few connections to a server.
    const watch = async () => {
        following.abort();
        following = new AbortController();
        const {signal} = following;
        const again = () => setTimeout(() => { if (!signal.aborted) watch(); }, AWAY_MS);
        try {
            await states((state) => {
                const before = page.model;
                page.model = state;
                draw();
                const isAnother = Boolean(before.info && state.info) && before.info.name !== state.info.name;
                // Another model has other tokens.
                if (isAnother) { page.view.tokens.clear(); page.counted.clear(); }
                if (isAnother || (before.state !== 'ready' && state.state === 'ready')) ready();
            }, signal);
            if (page.model.state === 'loading' || page.model.next) again();
        } catch {
            if (signal.aborted) return;
            if (await isThere()) again();
            else lookForServer();
        }
    };
    const lookForServer = async () => {
        if (page.isAway || isLooking) return;
        isLooking = true;
        const isBack = await isThere();
        isLooking = false;
        if (isBack) return;
        page.isAway = true;
        const banner = make('div', {class: 'banner', role: 'alert'}, 'Connection lost. Your draft is safe. Reconnecting…');
        find('main').prepend(banner);
        draw();
        while (!(await isThere())) await new Promise((resolve) => { setTimeout(resolve, AWAY_MS); });
        page.isAway = false;
        banner.remove();
        notices.clear();
        page.model = {...page.model, state: 'loading'};
        watch();
    };
    find('corner').append(makeTheme(), button({class: 'about', 'aria-label': 'About Llama UI', title: 'About Llama UI', onclick: () => showAbout(page.model)}, icon('info')));
    // Another page may have switched the model meanwhile.
    document.addEventListener('visibilitychange', () => { if (!document.hidden && !page.isAway) watch(); });
    return {draw, watch, lookForServer, offer: models.offer};
};
