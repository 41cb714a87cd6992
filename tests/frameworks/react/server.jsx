// Renders the page once, as a server does for each request.
import { prerender } from 'react-dom/static';
import { App } from './App.jsx';
import { page } from '../shell.js';

export async function html(client, { inserts }) {
  const state = { title: 'Tea & porcelain', inserts };
  const { prelude } = await prerender(<App {...state} />);
  return page(client, await new Response(prelude).text(), state);
}
