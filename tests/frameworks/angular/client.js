// A small shop in Angular, rendered in the browser, its template compiled there as well. Its service inserts a tag as
// wrappers of analytics do.
import '@angular/compiler';
import { Component, provideZonelessChangeDetection, signal } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import { OTHER_GTAG, report } from '../tags.js';

class App {
  title = window.__INITIAL_STATE__.title;
  pixel = window.__INITIAL_STATE__.pixel;
  count = signal(0);
  name = signal('');

  add() {
    this.count.update((count) => count + 1);
    report('add');
  }
}
Component({
  selector: 'app-shop',
  template: `<main>
    <h1>{{ title }}</h1>
    <p>In the basket: <output id="count">{{ count() }}</output></p>
    <button id="add" (click)="add()">Add</button>
    <img [src]="pixel" alt="">
    <label>Name <input id="name" [value]="name()" (input)="name.set($any($event.target).value)"></label>
    <p id="greeting">@if (name()) {Hello, {{ name() }}}</p>
  </main>`,
})(App);

bootstrapApplication(App, { providers: [provideZonelessChangeDetection()] }).then(() => {
  const script = document.createElement('script');
  script.async = true;
  script.src = OTHER_GTAG;
  document.head.append(script);
  document.documentElement.dataset.hydrated = 'angular';
});
