//! Italian.

use model::Language;
use model::profile::Holder;
use time::{Month, OffsetDateTime};

use super::{
    ClosedWords, ConfirmWords, DoneWords, FactWords, FrameWords, NotSignableWords, NoticeWords,
    ReadWords, SignWords, Wording, years_or_days,
};

pub(super) const ITALIAN: Wording = Wording {
    frame: FrameWords {
        skip: "Vai al contenuto",
        language: "Lingua",
        steps: "Passaggi",
        problem: "Problema",
        show: "Mostra",
        hide: "Nascondi",
        busy: "Un momento…",
    },
    facts: FactWords {
        heading: "Il Suo certificato",
        holder: "Titolare",
        organisation: "Organizzazione",
        kind: "Tipo",
        kinds,
        key: "Chiave di firma",
        key_in_cloud: |provider| {
            format!("Custodita da {provider}, protetta da un PIN che conosce solo Lei")
        },
        key_in_file: "In un file da scaricare, protetto dalla Sua password",
        key_on_card: "Sulla Sua smart card o sul token, da cui non esce mai",
        validity: "Validità",
        days,
        approval: "Identità verificata da",
        approved_by: |officer, authority| format!("{officer}, {authority}"),
        approved_at: "Data di approvazione",
        open_until: "Questo link è valido fino al",
        something_wrong: |authority| {
            format!("Qualche dato non è corretto? Non prosegua e avvisi {authority}.")
        },
    },
    read: ReadWords {
        step: "Lettura",
        title: "Ottenga il Suo certificato",
        lead: |authority| {
            format!(
                "{authority} ha verificato la Sua identità e approvato il certificato. Legga il \
                 contratto, confermi con un codice che inviamo al Suo cellulare e il certificato \
                 sarà Suo."
            )
        },
        contract: "Contratto",
        contract_lead: |officer| {
            format!(
                "Già firmato da {officer}. La Sua firma viene aggiunta, con il nuovo \
                 certificato, al momento del rilascio."
            )
        },
        card_contract_lead: |officer| {
            format!("Già firmato da {officer}. Lei lo accetta confermando con il codice.")
        },
        contract_language: |language| {
            let language = match language {
                Language::English => "inglese",
                Language::Spanish => "spagnolo",
                Language::Italian => "italiano",
            };
            format!("Questo contratto è in {language}: è questo il testo che viene firmato.")
        },
        contract_text: "Testo del contratto",
        contract_file: "Scarica il contratto (PDF)",
        accept: "Ho letto il contratto e lo accetto",
        code_goes_to: |phone| format!("Inviamo un codice via SMS al numero {phone}."),
        send_code: "Inviami il codice",
    },
    confirm: ConfirmWords {
        step_pin: "Codice e PIN",
        step_password: "Codice e password",
        step_card: "Codice e smart card",
        title: "Confermi la Sua identità",
        code_sent: |phone| format!("Abbiamo inviato un codice via SMS al numero {phone}."),
        code: "Codice ricevuto via SMS",
        code_hint: "Solo cifre. Scade dopo alcuni minuti.",
        pin: "Scelga un PIN",
        pin_hint: "Le servirà a ogni firma. Noi non lo conosciamo e non potremo ricordarglielo.",
        pin_again: "Ripeta il PIN",
        password: "Scelga una password per il file",
        password_hint: "Le serve per aprire il file con il certificato. Noi non la conosciamo e \
                        non potremo ricordargliela.",
        password_again: "Ripeta la password",
        rule_length: "da 8 a 64 caratteri",
        rule_letters: "almeno 2 lettere",
        rule_digits: "almeno 2 cifre",
        rule_same: "uguale nei due campi",
        rule_met: "soddisfatto",
        rule_open: "non ancora",
        card_lead: "Generi la chiave sulla smart card con il software della card e crei una \
                    richiesta di certificato (PKCS#10). La chiave resta sulla card.",
        card_file: "Richiesta di certificato, come file",
        card_text: "oppure come testo (PEM)",
        issue_lead: "Il certificato viene rilasciato ora e firma il contratto a Suo nome.",
        issue: "Firma il contratto e ottieni il certificato",
        card_issue_lead: "Con il codice accetta il contratto e il certificato viene rilasciato ora.",
        card_issue: "Accetta il contratto e ottieni il certificato",
        no_message: "Nessun messaggio dopo un minuto?",
        resend: "Invia un nuovo codice",
        contract_again: "Rileggi il contratto",
    },
    done: DoneWords {
        step: "Fatto",
        title: "Il Suo certificato è pronto",
        lead: |name| {
            format!(
                "È stato rilasciato a {name} e il contratto è firmato con esso. Le inviamo il \
                 contratto per e-mail, con ciò che serve per usare il certificato."
            )
        },
        lead_on_card: |name| {
            format!(
                "È stato rilasciato a {name}. Le inviamo il contratto per e-mail, con ciò che \
                 serve per usare il certificato."
            )
        },
        cloud_heading: "Per firmare",
        cloud_lead: "Le servono questi dati e un codice che inviamo ogni volta al Suo cellulare:",
        username: "Nome utente",
        password: "Password",
        password_is: "il codice di attivazione nella nostra e-mail",
        pin: "PIN",
        pin_is: "quello che ha appena scelto",
        sign_now: "Firma un PDF",
        file_heading: "Scarichi il Suo file",
        file_waits: "Il file contiene la chiave e viene consegnato una sola volta, solo a questo \
                     dispositivo. È meglio farlo su un computer.",
        file_button: "Scarica il certificato",
        file_gone: "Il file è stato consegnato. Noi non ne abbiamo copia: lo conservi, insieme \
                    alla password, in un luogo sicuro.",
        file_use: "Apra il file sul computer con cui firma e inserisca la password che ha appena \
                   scelto.",
        card_heading: "Lo carichi sulla smart card",
        card_lead: "Importi questo certificato con il software della smart card. La chiave è già \
                    sulla card.",
        card_text: "Certificato (PEM)",
        card_button: "Scarica il certificato",
        papers_heading: "Per il Suo archivio",
        papers_lead: "Il contratto con entrambe le firme.",
        card_papers_lead: "Il contratto che ha accettato, firmato dall’autorità di registrazione.",
        signed_contract: "Scarica il contratto firmato (PDF)",
        revoke_heading: "Se qualcosa va storto",
        revoke: |authority| {
            format!(
                "Smarrimento, furto, o qualcun altro conosce il PIN o la password? Faccia \
                 revocare subito il certificato: avvisi {authority} e tenga a portata di mano il \
                 codice di revoca contenuto nella nostra e-mail."
            )
        },
    },
    sign: SignWords {
        title: "Firma un PDF",
        lead: "Con il Suo certificato nel cloud. Ciò che serve è nell’e-mail che lo \
               accompagnava.",
        step_who: "Accesso",
        step_sign: "Documento, PIN e codice",
        username: "Nome utente",
        username_hint: "Il numero del Suo certificato",
        password: "Password",
        password_hint: "Il codice di attivazione nella nostra e-mail",
        send_code: "Inviami un codice",
        signing_as: |username| format!("Firma come {username}."),
        file: "PDF da firmare",
        file_hint: |megabytes| format!("Fino a {megabytes} MB"),
        pin: "Il Suo PIN",
        pin_hint: "Quello scelto al rilascio del certificato",
        sign: "Firma e scarica",
        saved: "Il PDF firmato si trova tra i Suoi download.",
        other: "Usa un altro nome utente",
    },
    closed: ClosedWords {
        unknown: (
            "Non conosciamo questo link",
            "È incompleto, oppure uno più recente lo ha sostituito. Apra il link nella nostra \
             ultima e-mail.",
        ),
        used: (
            "Questo link è già stato utilizzato",
            "Il certificato è stato rilasciato. Ciò che serve per usarlo è nella nostra e-mail.",
        ),
        expired: (
            "Questo link è scaduto",
            "Ne chieda uno nuovo all’autorità di registrazione che ha verificato la Sua \
             identità.",
        ),
        cancelled: (
            "Questa richiesta è stata annullata",
            "Non verrà rilasciato alcun certificato. Se la cosa La sorprende, si rivolga \
             all’autorità di registrazione che ha verificato la Sua identità.",
        ),
        other_device: (
            "Ha iniziato su un altro dispositivo",
            "Continui lì; oppure attenda alcuni minuti che scada il codice inviato a quel \
             dispositivo e ricominci qui.",
        ),
        guessed: (
            "Troppi codici errati",
            "Sono stati inseriti troppi codici errati e questo link non è più valido. Ne chieda uno \
             nuovo all’autorità di registrazione che ha verificato la Sua identità.",
        ),
        foreign_form: (
            "Questo modulo non è nostro",
            "Per la Sua sicurezza non è stato fatto nulla. Apra il link nella nostra e-mail e \
             ricominci da lì.",
        ),
        unreadable: (
            "Non è stato possibile leggere i dati inviati dal browser",
            "Non è stato fatto nulla. Torni indietro e riprovi.",
        ),
        too_large: (
            "Il file è troppo grande",
            "Non è stato fatto nulla. Torni indietro e ne scelga uno più piccolo.",
        ),
        internal: (
            "Si è verificato un errore da parte nostra",
            "Non è colpa Sua e nulla è andato perso. Riprovi tra qualche minuto. Se si ripete, ci \
             comunichi questo riferimento.",
        ),
        reference: "Riferimento",
        back: "Indietro",
    },
    notice: NoticeWords {
        heading: "C’è un problema",
        accept_first: "Legga il contratto e indichi che lo accetta.",
        code_too_soon: |seconds| {
            format!(
                "Abbiamo appena inviato un codice. Attenda che passino {seconds} secondi prima di \
                 chiederne un altro."
            )
        },
        not_delivered: "Al momento non possiamo inviare codici. Riprovi tra qualche minuto.",
        code_missing: "Chieda prima un codice.",
        code_wrong: "Non è il codice del nostro ultimo messaggio. Dopo alcuni tentativi errati \
                     smette di funzionare e può chiederne uno nuovo.",
        code_expired: "Il codice è scaduto. Ne chieda uno nuovo.",
        code_exhausted: "Troppi tentativi errati: il codice non è più valido. Ne chieda uno nuovo.",
        code_consumed: "Il codice è già stato usato. Ne chieda uno nuovo.",
        code_void: "Il contratto è cambiato dopo l’invio del codice. Lo legga e chieda un nuovo \
                    codice.",
        weak_secret: "Usi da 8 a 64 caratteri, con almeno 2 lettere e 2 cifre.",
        secrets_differ: "I due valori non coincidono. Li inserisca di nuovo.",
        no_key_request: "Scelga il file con la richiesta di certificato o ne incolli il testo.",
        unusable_key_request: "La richiesta di certificato non può essere usata.",
        storage_full: "Al momento non abbiamo spazio e non è stato fatto nulla. Riprovi più tardi.",
        file_taken: "Il file è già stato consegnato e non ne esiste copia.",
        wrong_credentials: "Nome utente o password errati, oppure il certificato non è più \
                            valido.",
        wrong_pin: "Il PIN è errato, oppure il certificato non è più valido.",
        blocked: "Bloccato dopo troppi tentativi errati. Chieda lo sblocco alla Sua autorità di \
                  registrazione.",
        signed_out: "Per sicurezza la sessione è stata chiusa. Inserisca di nuovo nome utente e \
                     password.",
        no_file: "Scelga il PDF da firmare.",
        file_too_large: |megabytes| {
            format!("Il file è troppo grande. Può avere al massimo {megabytes} MB.")
        },
        not_signable: NotSignableWords {
            lead: "Il file non può essere firmato.",
            not_pdf: "Non è un PDF.",
            incomplete: "Manca la parte finale: lo scarichi di nuovo da dove lo ha ottenuto.",
            damaged: "È danneggiato: ne chieda una copia integra a chi lo ha creato.",
            protected: "È protetto: scelga una copia senza password e senza restrizioni.",
            closed: "Il suo autore o una firma precedente non consente di aggiungerne altre.",
            form: "È un tipo di modulo che non può essere firmato: lo stampi in un nuovo PDF e \
                   scelga quello.",
            unusual: "È fatto in un modo che non supportiamo: lo stampi in un nuovo PDF e scelga \
                      quello.",
        },
    },
    moment,
};

fn kinds(holder: Holder) -> &'static str {
    match holder {
        Holder::Individual => "Certificato personale",
        Holder::Member => "Certificato personale come membro di un’organizzazione",
        Holder::Representative => "Certificato di rappresentante",
        Holder::Organisation => "Sigillo elettronico di un’organizzazione",
    }
}

fn days(days: i64) -> String {
    match years_or_days(days) {
        (1, true) => "1 anno".to_owned(),
        (years, true) => format!("{years} anni"),
        (1, false) => "1 giorno".to_owned(),
        (days, false) => format!("{days} giorni"),
    }
}

fn moment(when: OffsetDateTime) -> String {
    let when = when.to_offset(time::UtcOffset::UTC);
    let month = match when.month() {
        Month::January => "gennaio",
        Month::February => "febbraio",
        Month::March => "marzo",
        Month::April => "aprile",
        Month::May => "maggio",
        Month::June => "giugno",
        Month::July => "luglio",
        Month::August => "agosto",
        Month::September => "settembre",
        Month::October => "ottobre",
        Month::November => "novembre",
        Month::December => "dicembre",
    };
    let day = match when.day() {
        1 => "1º".to_owned(),
        day => day.to_string(),
    };
    format!(
        "{day} {month} {}, {:02}:{:02} UTC",
        when.year(),
        when.hour(),
        when.minute()
    )
}
