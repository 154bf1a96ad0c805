// Keys, scrolling and copying: what the page does without asking the server.
const find = (id) => document.getElementById(id);

// The chats at the side: open on a wide screen, folded on a phone. The options: folded.
const phone = window.matchMedia('(max-width: 800px)');
if (phone.matches) document.body.classList.add('chats-folded');
document.addEventListener('click', (event) => {
    if (event.target.closest('.fold')) document.body.classList.toggle('chats-folded');
    if (!event.target.closest('.options-button')) return;
    const isOpen = find('frame').classList.toggle('options-open');
    const opener = find('keys').querySelector('.options-button');
    opener.setAttribute('aria-expanded', isOpen);
    (isOpen ? find('options').querySelector('.options-button') : opener).focus();
});

// Esc stops the reply that is being written.
document.addEventListener('keydown', (event) => {
    const stop = find('stop');
    if (event.key === 'Escape' && stop && stop.offsetParent) {
        event.preventDefault();
        stop.click();
    }
});

// Copying: the button says what came of it, then is itself again.
const copy = async (text, button) => {
    if (button.classList.contains('copied')) return;
    const label = button.innerHTML;
    let done = true;
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        // Where the clipboard is refused (plain http), select the text instead.
        const area = document.createElement('textarea');
        area.value = text;
        document.body.append(area);
        area.select();
        done = document.execCommand('copy');
        area.remove();
    }
    button.classList.add('copied');
    button.textContent = done ? 'Copied' : 'Not allowed';
    setTimeout(() => { button.innerHTML = label; button.classList.remove('copied'); }, 1500);
};
window.llamaUI = {copy};
document.addEventListener('click', (event) => {
    const button = event.target.closest('.copy-code');
    if (button) copy(button.closest('.code-block').querySelector('code').textContent, button);
});
document.addEventListener('copy-all', () => {
    const turns = [...document.querySelectorAll('#transcript .turn')];
    const said = turns.map((turn) => `**${turn.classList.contains('user') ? 'You' : 'Reply'}**\n\n${turn.dataset.text}`);
    copy(said.join('\n\n'), find('copy-all'));
});

// Arrow-up in an empty box edits the last message; Ctrl+Shift+O begins a new chat.
document.addEventListener('keydown', (event) => {
    const box = event.target.closest?.('#message textarea');
    if (event.key === 'ArrowUp' && box && !box.value) {
        const buttons = document.querySelectorAll('#transcript .turn.user [data-act="edit"]');
        if (!buttons.length) return;
        event.preventDefault();
        buttons[buttons.length - 1].click();
    }
    if (event.key.toLowerCase() === 'o' && event.shiftKey && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        document.dispatchEvent(new Event('new-chat'));
    }
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
        if (event.target.closest('#send, [data-act="example"], [data-act="retry"], [data-act="continue"], .editor')) restart();
    });
    document.addEventListener('keydown', (event) => {
        if (event.key === 'Enter' && event.target.closest('#message, .editor')) restart();
    });
};
follow();

// A button that disappears takes the focus with it: give it to the message box.
let hadFocus = false;
document.addEventListener('focusin', (event) => {
    hadFocus = Boolean(event.target.closest('#send, #stop, #actions, [data-act], .editor'));
});
new MutationObserver(() => {
    if (document.activeElement === document.body && hadFocus) {
        hadFocus = false;
        find('message')?.querySelector('textarea')?.focus();
    }
}).observe(document.body, {childList: true, subtree: true, attributes: true, attributeFilter: ['class', 'style']});

// What the next prompt would leave out is greyed before it is sent: when the meter is new, and when
// the chat has been drawn again beneath it.
const grey = () => {
    const gone = new Set(JSON.parse(find('meter')?.querySelector('.meter')?.dataset.gone ?? '[]'));
    const turns = document.querySelectorAll('#transcript .turn');
    if (find('meter')?.querySelector('.meter')) {
        turns.forEach((turn) => turn.classList.toggle('going', gone.has(Number(turn.dataset.n))));
    }
};
const watchMeter = () => {
    if (!find('meter') || !find('transcript')) { setTimeout(watchMeter, 50); return; }
    const observer = new MutationObserver(grey);
    ['meter', 'transcript'].forEach((name) => observer.observe(find(name), {childList: true, subtree: true}));
};
watchMeter();
