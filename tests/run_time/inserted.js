// What bundles do: tags that stand in no markup.
const insert = (name, change) => {
  const script = document.createElement('script');
  script.onload = () => loaded.push(name);
  script.onerror = () => loaded.push(name + ' failed');
  script.nonce = 'n0nce';
  change(script);
  document.body.append(script);
};
const tag = 'https://www.googletagmanager.com/gtag/js?id=G-';
insert('by property', (script) => { script.src = tag + 'PROPERTY01'; });
insert('by attribute', (script) => { script.setAttribute('src', tag + 'ATTRIBUTE1'); script.async = false; });
insert('by namespace', (script) => { script.setAttributeNS(null, 'src', tag + 'NAMESPACE1'); });
document.body.insertAdjacentHTML('beforeend', '<img id="pixel" src="https://mc.yandex.ru/watch/101234567">');
