watch('value', () => {});
document.addEventListener('new-chat', () => trigger('click', {}));
document.addEventListener('clear-chat', () => trigger('click', {same_options: true}));
