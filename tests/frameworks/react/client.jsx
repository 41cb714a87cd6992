// Brings the page to life. What React puts right by itself is an error here: the page came otherwise than written.
import { hydrateRoot } from 'react-dom/client';
import { App } from './App.jsx';

const { title, inserts } = window.__INITIAL_STATE__;
hydrateRoot(document.getElementById('root'), <App title={title} inserts={inserts} />, {
  onRecoverableError(error) { console.error('put right:', error); },
});
