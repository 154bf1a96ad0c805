// Keys, scrolling and copying: what the page does without asking the server.
const find = (id) => document.getElementById(id);

// Esc stops the reply that is being written.
document.addEventListener('keydown', (event) => {
    const stop = find('stop');
    if (event.key === 'Escape' && stop && stop.offsetParent) {
        event.preventDefault();
        stop.click();
    }
});

// Copy a code block or a reply; where the clipboard is refused, select the text instead.
const copy = async (text, button) => {
    try {
        await navigator.clipboard.writeText(text);
        button.textContent = 'Copied';
    } catch {
        const area = document.createElement('textarea');
        area.value = text;
        document.body.append(area);
        area.select();
        button.textContent = document.execCommand('copy') ? 'Copied' : 'Not allowed';
        area.remove();
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
};
document.addEventListener('click', (event) => {
    const button = event.target.closest('.copy-code, .copy-reply');
    if (!button) return;
    const code = button.classList.contains('copy-code')
        ? button.closest('.code-block').querySelector('code').textContent
        : button.dataset.text;
    copy(code, button);
});

// Follow the stream, unless the reader has scrolled up.
const follow = () => {
    const chat = find('chat');
    if (!chat) { setTimeout(follow, 50); return; }
    let following = true;
    let last = 0;  // where we last scrolled to
    const isAtEnd = () => chat.scrollHeight - chat.scrollTop - chat.clientHeight < 48;
    const toEnd = () => {
        // The reader may have scrolled up since, and the event for it not have come yet.
        if (chat.scrollTop < last - 4 && !isAtEnd()) following = false;
        if (following) chat.scrollTop = chat.scrollHeight;
        last = chat.scrollTop;
    };
    chat.addEventListener('scroll', () => { following = isAtEnd(); last = chat.scrollTop; }, {passive: true});
    new MutationObserver(toEnd).observe(chat, {childList: true, subtree: true});
    new ResizeObserver(toEnd).observe(chat);
    const restart = () => { following = true; last = 0; };
    document.addEventListener('click', (event) => {
        if (event.target.closest('#send, [data-example], #retry')) restart();
    });
    document.addEventListener('keydown', (event) => {
        if (event.key === 'Enter' && event.target.closest('#message')) restart();
    });
};
follow();

// A button that disappears takes the focus with it: give it to the message box.
let hadFocus = false;
document.addEventListener('focusin', (event) => {
    hadFocus = Boolean(event.target.closest('#send, #stop, #actions, [data-example]'));
});
new MutationObserver(() => {
    if (document.activeElement === document.body && hadFocus) {
        hadFocus = false;
        find('message')?.querySelector('textarea')?.focus();
    }
}).observe(document.body, {childList: true, subtree: true, attributes: true, attributeFilter: ['class', 'style']});
