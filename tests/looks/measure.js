// What makes one button as easy to find as another.
function measure(css) {
  const button = document.querySelector(css);
  const { x, y, width, height } = button.getBoundingClientRect();
  const style = getComputedStyle(button);
  const light = (colour) => {
    const [red, green, blue] = colour.match(/[\d.]+/g).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  const [dark, bright] = [light(style.color), light(style.backgroundColor)].sort((one, other) => one - other);
  return {
    width: Math.round(width * 10) / 10,
    height: Math.round(height * 10) / 10,
    font: style.fontSize + ' ' + style.fontWeight,
    contrast: bright / dark,
    onScreen: x >= 0 && y >= 0 && x + width <= innerWidth && y + height <= innerHeight,
    // Where they stand differs, and the words.
    style: [...style].filter((name) => !/^(perspective-origin|transform-origin)$/.test(name)).map((name) => style.getPropertyValue(name)).join('|'),
  };
}
