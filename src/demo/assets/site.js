// The site's own script: the price calculator, and one goal for Metrica where it is present.
(function () {
  'use strict';

  // A shop counts its orders whether or not the tag was allowed in: hence the guard.
  document.querySelectorAll('[data-goal]').forEach(function (link) {
    link.addEventListener('click', function () {
      window.ym && ym(12345678, 'reachGoal', link.dataset.goal);
    });
  });

  var slider = document.querySelector('#volume');
  if (!slider) return;
  var tiers = JSON.parse(slider.dataset.tiers);
  var format = new Intl.NumberFormat(document.documentElement.lang);

  function price() {
    // The slider moves in steps of one thousand; a tier is its upper bound and its price in tenge.
    var messages = slider.value * 1000;
    var tier = tiers.find(function (tier) { return messages <= tier[0]; });
    document.querySelector('#messages').textContent = format.format(messages);
    document.querySelector('#total').textContent = format.format(messages * tier[1]) + ' ₸';
  }

  slider.addEventListener('input', price);
  price();
  document.querySelector('#calculator').hidden = false;
})();
