// Brings the page to life.
import { createSSRApp } from 'vue';
import App from './App.vue';

const { title, counter } = window.__INITIAL_STATE__;
createSSRApp(App, { title, counter }).mount('#root');
