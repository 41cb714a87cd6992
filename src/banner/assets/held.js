// In the box for a frame: who wants it always is asked by the banner of the page around it, where that can be had.
// Without it, and with scripts off, the link leads to the settings.
const always = document.querySelector('[data-purpose]');
always.addEventListener('click', (event) => {
  try {
    parent.kelisim.ask(always.dataset.purpose).catch(() => open(always.href, '_top'));
    event.preventDefault();
  } catch {
    // The frame is in a sandbox, or the page has no guard.
  }
});
