// Follow the reply that grows, unless the reader has scrolled up.
import {button, icon, make} from './dom.js';

/** @param {HTMLElement} chat the element that scrolls */
export const makeScroll = (chat) => {
    let following = true;
    let last = 0;  // where we last scrolled to
    const isAtEnd = () => chat.scrollHeight - chat.scrollTop - chat.clientHeight < 48;
    const pill = button({class: 'to-end', 'aria-label': 'Jump to the latest message', title: 'Jump to the latest message', hidden: true, onclick: () => restart()}, icon('back'));
    const toEnd = () => {
        // The reader may have scrolled up since, and the event for it not have come yet.
        if (chat.scrollTop < last - 4 && !isAtEnd()) following = false;
        if (following) chat.scrollTop = chat.scrollHeight;
        last = chat.scrollTop;
        pill.hidden = following || isAtEnd();
    };
    const restart = () => { following = true; last = 0; toEnd(); };
    chat.addEventListener('scroll', () => {
        following = isAtEnd();
        last = chat.scrollTop;
        pill.hidden = following;
    }, {passive: true});
    new MutationObserver(toEnd).observe(chat, {childList: true, subtree: true, characterData: true});
    new ResizeObserver(() => {
        toEnd();
        // What stands below keeps the edges of the messages beside their scroll bar.
        chat.parentElement?.style.setProperty('--gutter', `${(chat.offsetWidth - chat.clientWidth) / 2}px`);
    }).observe(chat);
    chat.after(make('div', {class: 'to-end-place'}, pill));
    return {restart};
};
