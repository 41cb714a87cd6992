(function () { var key = '_ym_uid', host = 'metrika'; })();
