// A small shop in React, rendered by the server. Tags stand in what is hydrated, between elements of the page.
import { useEffect, useState } from 'react';
import { FACEBOOK_PIXEL, METRICA, METRICA_PIXEL, OTHER_GTAG, TAG_MANAGER_FRAME_ADDRESS, report } from '../tags.js';

export function App({ title, inserts }) {
  const [count, setCount] = useState(0);
  const [name, setName] = useState('');
  useEffect(() => { document.documentElement.dataset.hydrated = 'react'; }, []);
  return (
    <main>
      <img src={FACEBOOK_PIXEL} height="1" width="1" style={{ display: 'none' }} alt="" />
      <h1>{title}</h1>
      <p>In the basket: <output id="count">{count}</output></p>
      <script dangerouslySetInnerHTML={{ __html: METRICA }} />
      <noscript><div><img src={METRICA_PIXEL} style={{ position: 'absolute', left: '-9999px' }} alt="" /></div></noscript>
      <button id="add" onClick={() => { setCount(count + 1); report('add'); }}>Add</button>
      <iframe src={TAG_MANAGER_FRAME_ADDRESS} height="0" width="0" title="tags" hidden />
      {inserts && <link rel="preconnect" href="https://mc.yandex.ru" />}
      {inserts && <script async src={OTHER_GTAG}></script>}
      <label>Name <input id="name" value={name} onChange={(event) => setName(event.target.value)} /></label>
      <p id="greeting">{name && `Hello, ${name}`}</p>
    </main>
  );
}
