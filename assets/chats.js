// The chats that this browser keeps. Runs once, with the sidebar as `element`.
watch('value', () => {});
document.addEventListener('new-chat', () => trigger('click', {}));
document.addEventListener('clear-chat', () => trigger('click', {}));
