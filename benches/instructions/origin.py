"""The site behind the gateway: one thread for each connection, answers that are made beforehand, and a page."""

import socketserver
import threading

HOST = "127.0.0.1"
PAGE_BYTES = 100_000

SNIPPETS = """<script async src="https://www.googletagmanager.com/gtag/js?id=G-ABC1234567"></script>
<script>window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}gtag('js',new Date());gtag('config','G-ABC1234567');</script>
<script>(function(m,e,t,r,i,k,a){m[i]=m[i]||function(){(m[i].a=m[i].a||[]).push(arguments)};k=e.createElement(t),a=e.getElementsByTagName(t)[0],
k.async=1,k.src=r,a.parentNode.insertBefore(k,a)})(window,document,"script","https://mc.yandex.ru/metrika/tag.js","ym");ym(12345678,"init",{webvisor:true});</script>
<noscript><img src="https://mc.yandex.ru/watch/12345678" style="position:absolute;left:-9999px" alt=""></noscript>
"""
WORDS = """келісім сайт бет деректер баға жеткізу қала тапсырыс посылка адрес доставка срок тариф город склад заказ клиент оплата
receipt parcel courier delivery address price policy office weekday online account office support""".split()


def page():
    """An ordinary shop's page: text, links, pictures, some scripts of its own, and the tags of two vendors. The same each time."""
    seed = 1

    def below(bound):
        nonlocal seed
        seed = (seed * 1_103_515_245 + 12_345) % 2**31
        return (seed >> 8) % bound

    def words(count):
        return " ".join(WORDS[below(len(WORDS))] for _ in range(count))

    head = f"""<!doctype html>
<html lang="kk"><head><meta charset="utf-8"><title>{words(4)}</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/style.css"><link rel="icon" href="/icon.svg">
<style>body{{margin:0;font:16px sans-serif}} .card{{background:url(/paper.png)}}</style>
{SNIPPETS}</head><body>
"""
    parts, length = [head], len(head.encode())
    while length < PAGE_BYTES:
        n = len(parts)
        part = f"""<div class="card" id="card-{n}" data-price="{below(90_000)}"><h2><a href="/goods/{n}?from=list">{words(5)}</a></h2>
<img src="/pictures/{below(1000)}.webp" width="320" height="240" loading="lazy" alt="{words(3)}"><p>{words(40)}</p>
<p class="more">{words(25)} <a href="https://send-box.com/office/{below(90)}">{words(2)}</a></p></div>
"""
        if n % 16 == 0:
            part += f'<script>shop.push({{"card":{n},"title":"{words(6)}","stock":{below(50)}}});</script>\n'
        parts.append(part)
        length += len(part.encode())
    return ("".join(parts) + "</body></html>\n").encode()


class Site:
    """Answers by path, over connections that stay."""

    def __init__(self, port):
        body = page()
        self.bodies = {
            "/1k.json": ("application/json", b'{"text":"' + b"x" * 1004 + b'"}\n'),
            "/page.html": ("text/html; charset=utf-8", body),
            # The same bytes, and no page.
            "/page.bin": ("application/octet-stream", body),
        }
        answers = {path: self.answer(*content) for path, content in self.bodies.items()}

        class Connection(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self):
                while line := self.rfile.readline():
                    while self.rfile.readline() not in (b"\r\n", b""):
                        pass
                    self.request.sendall(answers[line.split()[1].decode()])

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self.server = Server((HOST, port), Connection)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def answer(kind, body):
        fields = (
            f"HTTP/1.1 200 OK\r\nServer: site\r\nDate: Mon, 23 Nov 2026 08:00:00 GMT\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            'Last-Modified: Mon, 02 Nov 2026 08:00:00 GMT\r\nETag: "6906f0a0-3f8"\r\nConnection: keep-alive\r\nAccept-Ranges: bytes\r\n\r\n'
        )
        return fields.encode() + body

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
