//! The site in Russian.
//!
//! The second language of most Kazakh sites: its pages stand under `/ru/`.
//!
//! Wording is the project's own; nothing is copied from send-box.com.
//!
//! What each field is for is said in [`super::Words`].

use super::{Item, Words};

pub(super) const WORDS: Words = Words {
    home: "Главная",
    prices: "Цены",
    cabinet: "Кабинет",
    sign_in: "Войти",
    sign_out: "Выйти",
    languages: "Языки",

    hero: Item {
        title: "Сообщения, которые приходят вовремя",
        text: "Отправляйте SMS и голосовые сообщения абонентам всех операторов Казахстана из \
               одного кабинета. По каждому видно, когда оно доставлено.",
    },
    see_prices: "Смотреть цены",
    open_cabinet: "Войти в кабинет",
    sample_order: "Ваш заказ в пути. Курьер приедет с 14:00 до 16:00.",
    sample_code: "Код входа: 4817. Никому его не сообщайте.",
    services: "Три сервиса в одном кабинете",
    service: [
        Item {
            title: "SMS-рассылки",
            text: "Коды, напоминания и кампании от имени вашей компании.",
        },
        Item {
            title: "Голосовые сообщения",
            text: "Прочитаем ваш текст абоненту на казахском, русском или английском.",
        },
        Item {
            title: "Проверка номеров",
            text: "Узнайте до отправки, активен ли номер и какой оператор его обслуживает.",
        },
    ],
    how: "Как это работает",
    step: [
        Item {
            title: "Загрузите базу", text: "Файлом CSV или Excel либо через API."
        },
        Item {
            title: "Напишите текст", text: "Длина и цена видны, пока вы пишете."
        },
        Item {
            title: "Смотрите отчёт", text: "Статус и время доставки по каждому номеру."
        },
    ],

    prices_lead: "Без абонентской платы: вы платите только за отправленное.",
    volume: "Сообщений в месяц",
    voice: "Голос",
    check: "Проверка",
    tiers: ["до 10 000", "до 100 000", "больше 100 000"],
    how_many: "Сколько SMS вы отправляете в месяц?",
    about: "Примерно в месяц",
    order: "Заказать",

    sign_in_title: "Вход в кабинет",
    login: "Почта или телефон",
    password: "Пароль",
    any_values: "Это демонстрация: подойдут любые значения.",
    fill_in: "Укажите почту или телефон и пароль.",

    hello: "Здравствуйте,",
    balance: "Баланс",
    sent_this_month: "Отправлено за месяц",
    delivered_share: "Доставлено",
    latest: "Последние сообщения",
    time: "Время",
    recipient: "Получатель",
    text: "Текст",
    status: "Статус",
    delivered: "Доставлено",
    on_its_way: "В пути",
    not_delivered: "Не доставлено",

    no_such_page: "Такой страницы нет",
    made_up: "Демонстрационный сайт программы Kelisim: \
              данные вымышлены, сообщения не отправляются.",
};
