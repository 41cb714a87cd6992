// Everything of the banner that a visitor can see, for a comparison with another page's.
const told = [];
for (const element of document.querySelectorAll('#cc-main, #cc-main *')) {
  // The script's hidden frame is not shown, and which box a hidden thing has is not asked.
  if (element.closest('noscript, iframe, [type=hidden]')) continue;
  const { x, y, width, height } = element.getBoundingClientRect();
  const name = element.localName + (element.id && '#' + element.id) + (element.className.baseVal ?? element.className);
  told.push([name, 'box', [x, y, width, height].map((length) => Math.round(length * 10) / 10).join(' ')]);
  for (const pseudo of [null, '::before', '::after', '::first-letter', '::first-line']) {
    const style = getComputedStyle(element, pseudo);
    if (/before|after/.test(pseudo) && style.content === 'none') {
      told.push([name, pseudo, 'none']);
      continue;
    }
    for (const property of style) {
      // Of a first letter only what it looks like counts, and that is its font and colour.
      if (/first/.test(pseudo) && !/^(font-size|font-weight|font-family|color|text-transform|float|letter-spacing)$/.test(property)) continue;
      if (!property.startsWith('--')) told.push([name, (pseudo || '') + property, style.getPropertyValue(property)]);
    }
  }
}
return told.map((line) => line.join(' | '));
