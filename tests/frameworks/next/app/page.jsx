// The page, rendered by the server; its basket comes to life in the browser.
import Script from 'next/script';
import { MARK, METRICA, METRICA_PIXEL, OTHER_GTAG } from '../../tags.js';
import { Basket } from './Basket.jsx';

export default function Page() {
  return (
    <main>
      <h1>Tea &amp; porcelain</h1>
      <script dangerouslySetInnerHTML={{ __html: METRICA }} />
      <noscript><div><img src={METRICA_PIXEL} style={{ position: 'absolute', left: '-9999px' }} alt="" /></div></noscript>
      <Script id="before" strategy="beforeInteractive">{`(function (d, s) {
        s = d.createElement('script'); s.async = 1; s.src = '${OTHER_GTAG}'; d.head.appendChild(s);
      })(document);`}</Script>
      <Basket />
      <script dangerouslySetInnerHTML={{ __html: MARK }} />
    </main>
  );
}
