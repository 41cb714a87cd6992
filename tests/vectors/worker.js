// A worker of the site's own, with an address of its own.
fetch(decodeURIComponent(location.search.slice(1)), { mode: 'no-cors' }).catch(() => {});
