// A small shop with jQuery: markup from strings, tags by `$.getScript` and in what is put into the page.
import $ from 'jquery';
import { OTHER_GTAG, report } from '../tags.js';

const { title, pixel } = window.__INITIAL_STATE__;
$('#root').html(`<main><h1></h1><p>In the basket: <output id="count">0</output></p><button id="add">Add</button>
  <img src="${pixel}" alt=""><label>Name <input id="name"></label><p id="greeting"></p></main>`);
$('h1').text(title);
$('#add').on('click', () => {
  $('#count').text((at, count) => Number(count) + 1);
  report('add');
});
$('#name').on('input', (event) => $('#greeting').text(event.target.value && `Hello, ${event.target.value}`));
$('<script>').attr({ async: true, src: OTHER_GTAG }).appendTo('head');
$.get(pixel).fail(() => {});
$('html').attr('data-hydrated', 'jquery');
