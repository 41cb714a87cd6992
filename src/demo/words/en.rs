//! The site in English.
//!
//! For visitors who read neither Kazakh nor Russian: its pages stand under `/en/`.
//!
//! Wording is the project's own; nothing is copied from send-box.com.
//!
//! What each field is for is said in [`super::Words`].

use super::{Item, Words};

pub(super) const WORDS: Words = Words {
    home: "Home",
    prices: "Prices",
    cabinet: "Cabinet",
    sign_in: "Sign in",
    sign_out: "Sign out",
    languages: "Languages",

    hero: Item {
        title: "Messages that arrive on time",
        text: "Send text and voice messages to subscribers of every operator in Kazakhstan from \
               one place, and see when each of them was delivered.",
    },
    see_prices: "See prices",
    open_cabinet: "Open your cabinet",
    sample_order: "Your order is on its way. The courier comes between 14:00 and 16:00.",
    sample_code: "Your sign-in code is 4817. Tell it to no one.",
    services: "Three services, one cabinet",
    service: [
        Item {
            title: "Text messages",
            text: "Codes, reminders and campaigns, sent in the name of your company.",
        },
        Item {
            title: "Voice messages",
            text: "We read your text to the subscriber in Kazakh, Russian or English.",
        },
        Item {
            title: "Number check",
            text: "Learn before sending whether a number is active and which operator serves it.",
        },
    ],
    how: "How it works",
    step: [
        Item { title: "Upload your contacts", text: "As a CSV or Excel file, or through the API." },
        Item { title: "Write the text", text: "Its length and price show as you type." },
        Item { title: "Read the report", text: "Delivery status and time for every number." },
    ],

    prices_lead: "No monthly fee: you pay only for what you send.",
    volume: "Messages a month",
    voice: "Voice",
    check: "Check",
    tiers: ["up to 10,000", "up to 100,000", "over 100,000"],
    how_many: "How many texts do you send a month?",
    about: "About, a month",
    order: "Order",

    sign_in_title: "Sign in to your cabinet",
    login: "E-mail or phone",
    password: "Password",
    any_values: "This is a demonstration: any values will do.",
    fill_in: "Fill in the e-mail or phone, and the password.",

    hello: "Hello,",
    balance: "Balance",
    sent_this_month: "Sent this month",
    delivered_share: "Delivered",
    latest: "Latest messages",
    time: "Time",
    recipient: "Recipient",
    text: "Text",
    status: "Status",
    delivered: "Delivered",
    on_its_way: "On its way",
    not_delivered: "Not delivered",

    no_such_page: "There is no such page",
    made_up: "A demonstration site of Kelisim: all data are made up, no message is sent.",
};
