'use client';
// What the visitor uses.
import Script from 'next/script';
import { useEffect, useState } from 'react';
import { FACEBOOK_PIXEL, TAG_MANAGER_FRAME_ADDRESS, report } from '../../tags.js';

export function Basket() {
  const [count, setCount] = useState(0);
  const [name, setName] = useState('');
  useEffect(() => { document.documentElement.dataset.hydrated = 'next'; }, []);
  return (
    <section>
      <img src={FACEBOOK_PIXEL} height="1" width="1" style={{ display: 'none' }} alt="" />
      <Script id="after" strategy="afterInteractive">{`document.documentElement.dataset.currency = window.shop.currency;`}</Script>
      <p>In the basket: <output id="count">{count}</output></p>
      <button id="add" onClick={() => { setCount(count + 1); report('add'); }}>Add</button>
      <iframe src={TAG_MANAGER_FRAME_ADDRESS} height="0" width="0" title="tags" hidden />
      <label>Name <input id="name" value={name} onChange={(event) => setName(event.target.value)} /></label>
      <p id="greeting">{name && `Hello, ${name}`}</p>
    </section>
  );
}
