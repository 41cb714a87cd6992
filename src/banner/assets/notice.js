// The notice of a new version of the policy, for browsers that run scripts: it goes at a click, and the page stays
// as it is. Without it the form is an ordinary form.
(() => {
  'use strict';
  const notice = document.getElementById('cc-notice');
  const form = notice && notice.querySelector('form');
  if (!form) return;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.action, { method: 'POST', body, credentials: 'same-origin', redirect: 'manual' });
      if (answer.type !== 'opaqueredirect' && !answer.ok) throw new Error(answer.status);
    } catch (error) {
      console.debug(error);
      return form.submit();
    }
    const control = document.getElementById('cc-open');
    notice.remove();
    if (control) control.focus({ preventScroll: true });
  });
})();
