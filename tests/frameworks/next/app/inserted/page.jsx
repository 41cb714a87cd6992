// Tags that Next.js and React make anew in the browser, whatever became of them in the page.
import Script from 'next/script';
import { FACEBOOK_PIXEL, GTAG, OTHER_GTAG } from '../../../tags.js';
import { Basket } from '../Basket.jsx';

export default function Page() {
  return (
    <main>
      <link rel="preconnect" href="https://mc.yandex.ru" />
      <img src={FACEBOOK_PIXEL} height="1" width="1" style={{ display: 'none' }} alt="" />
      <script async src={OTHER_GTAG}></script>
      <Basket />
      <Script id="after-page" src={GTAG} strategy="afterInteractive" />
    </main>
  );
}
