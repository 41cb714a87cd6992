// A site of files: no server of Next.js is needed to visit it.
export default { output: 'export', reactStrictMode: true, images: { unoptimized: true }, devIndicators: false };
