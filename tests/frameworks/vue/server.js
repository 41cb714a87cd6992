// Renders the page once, as a server does for each request.
import { createSSRApp } from 'vue';
import { renderToString } from '@vue/server-renderer';
import App from './App.vue';
import { page } from '../shell.js';
import { METRICA_PIXEL } from '../tags.js';

export async function html(client, { inserts }) {
  const state = { title: 'Tea & porcelain', counter: inserts ? METRICA_PIXEL : '' };
  return page(client, await renderToString(createSSRApp(App, state)), state);
}
