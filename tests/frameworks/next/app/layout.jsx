// The frame of all pages, with the tags where Next.js' users put them.
import Script from 'next/script';
import { GTAG_INLINE, TAG_MANAGER, TAG_MANAGER_FRAME } from '../../tags.js';

export const metadata = { title: 'Tea & porcelain', icons: { icon: 'data:,' } };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <head>
        <script dangerouslySetInnerHTML={{ __html: TAG_MANAGER }} />
        <Script id="settings" strategy="beforeInteractive">{`window.shop = { currency: 'KZT' };`}</Script>
      </head>
      <body>
        <noscript dangerouslySetInnerHTML={{ __html: TAG_MANAGER_FRAME }} />
        {children}
        <script dangerouslySetInnerHTML={{ __html: GTAG_INLINE }} />
      </body>
    </html>
  );
}
