//! Spanish.

use model::Language;
use model::profile::Holder;
use time::{Month, OffsetDateTime};

use super::{
    ClosedWords, ConfirmWords, DoneWords, FactWords, FrameWords, NotSignableWords, NoticeWords,
    ReadWords, SignWords, Wording, years_or_days,
};

pub(super) const SPANISH: Wording = Wording {
    frame: FrameWords {
        skip: "Saltar al contenido",
        language: "Idioma",
        steps: "Pasos",
        problem: "Problema",
        show: "Mostrar",
        hide: "Ocultar",
        busy: "Un momento…",
    },
    facts: FactWords {
        heading: "Su certificado",
        holder: "Titular",
        organisation: "Organización",
        kind: "Tipo",
        kinds,
        key: "Clave de firma",
        key_in_cloud: |provider| {
            format!("Custodiada por {provider}, protegida con un PIN que solo usted conoce")
        },
        key_in_file: "En un archivo que usted descarga, protegido con su contraseña",
        key_on_card: "En su tarjeta o token, de donde nunca sale",
        validity: "Validez",
        days,
        approval: "Identidad verificada por",
        approved_by: |officer, authority| format!("{officer}, {authority}"),
        approved_at: "Fecha de aprobación",
        open_until: "Este enlace es válido hasta",
        something_wrong: |authority| {
            format!("¿Algún dato no es correcto? No continúe y avise a {authority}.")
        },
    },
    read: ReadWords {
        step: "Lectura",
        title: "Obtenga su certificado",
        lead: |authority| {
            format!(
                "{authority} ha verificado su identidad y aprobado su certificado. Lea el \
                 contrato, confirme con un código que le enviamos al móvil y será suyo."
            )
        },
        contract: "Contrato",
        contract_lead: |officer| {
            format!(
                "Ya está firmado por {officer}. Su firma se añade, con su nuevo certificado, en \
                 el momento de la emisión."
            )
        },
        card_contract_lead: |officer| {
            format!("Ya está firmado por {officer}. Usted lo acepta al confirmar con el código.")
        },
        contract_language: |language| {
            let language = match language {
                Language::English => "inglés",
                Language::Spanish => "español",
                Language::Italian => "italiano",
            };
            format!("Este contrato está en {language}: ese es el texto que se firma.")
        },
        contract_text: "Texto del contrato",
        contract_file: "Descargar el contrato (PDF)",
        accept: "He leído el contrato y lo acepto",
        code_goes_to: |phone| format!("Le enviamos un código por SMS al {phone}."),
        send_code: "Enviarme el código",
    },
    confirm: ConfirmWords {
        step_pin: "Código y PIN",
        step_password: "Código y contraseña",
        step_card: "Código y tarjeta",
        title: "Confirme que es usted",
        code_sent: |phone| format!("Le hemos enviado un código por SMS al {phone}."),
        code: "Código del SMS",
        code_hint: "Solo cifras. Caduca en unos minutos.",
        pin: "Elija un PIN",
        pin_hint: "Lo escribirá cada vez que firme. Nosotros no lo conocemos y no podremos \
                   recordárselo.",
        pin_again: "Repita el PIN",
        password: "Elija una contraseña para el archivo",
        password_hint: "La necesita para abrir el archivo con su certificado. Nosotros no la \
                        conocemos y no podremos recordársela.",
        password_again: "Repita la contraseña",
        rule_length: "de 8 a 64 caracteres",
        rule_letters: "al menos 2 letras",
        rule_digits: "al menos 2 cifras",
        rule_same: "lo mismo en los dos campos",
        rule_met: "cumplido",
        rule_open: "aún no",
        card_lead: "Genere la clave en su tarjeta con el programa de la tarjeta y cree una \
                    solicitud de certificado (PKCS#10). La clave no sale de la tarjeta.",
        card_file: "Solicitud de certificado, como archivo",
        card_text: "o como texto (PEM)",
        issue_lead: "Su certificado se emite ahora y firma el contrato en su nombre.",
        issue: "Firmar el contrato y obtener mi certificado",
        card_issue_lead: "Con el código acepta el contrato y su certificado se emite ahora.",
        card_issue: "Aceptar el contrato y obtener mi certificado",
        no_message: "¿No ha llegado el mensaje tras un minuto?",
        resend: "Enviar un código nuevo",
        contract_again: "Volver a leer el contrato",
    },
    done: DoneWords {
        step: "Listo",
        title: "Su certificado está listo",
        lead: |name| {
            format!(
                "Se ha emitido a nombre de {name} y el contrato está firmado con él. Le enviamos el \
                 contrato por correo electrónico, con lo necesario para usar el certificado."
            )
        },
        lead_on_card: |name| {
            format!(
                "Se ha emitido a nombre de {name}. Le enviamos el contrato por correo electrónico, \
                 con lo necesario para usar el certificado."
            )
        },
        cloud_heading: "Para firmar con él",
        cloud_lead: "Necesita estos datos y un código que le enviamos al móvil cada vez:",
        username: "Usuario",
        password: "Contraseña",
        password_is: "el código de activación de nuestro correo",
        pin: "PIN",
        pin_is: "el que acaba de elegir",
        sign_now: "Firmar un PDF",
        file_heading: "Descargue su archivo",
        file_waits: "El archivo contiene su clave y se entrega una sola vez y solo a este \
                     dispositivo. Es mejor hacerlo en un ordenador.",
        file_button: "Descargar mi certificado",
        file_gone: "El archivo ya se ha entregado. No guardamos copia: consérvelo, junto con su \
                    contraseña, en un lugar seguro.",
        file_use: "Abra el archivo en el ordenador con el que firma y escriba la contraseña que \
                   acaba de elegir.",
        card_heading: "Cárguelo en su tarjeta",
        card_lead: "Importe este certificado con el programa de su tarjeta. La clave ya está en \
                    ella.",
        card_text: "Certificado (PEM)",
        card_button: "Descargar el certificado",
        papers_heading: "Para sus archivos",
        papers_lead: "El contrato con las dos firmas.",
        card_papers_lead: "El contrato que ha aceptado, firmado por la autoridad de registro.",
        signed_contract: "Descargar el contrato firmado (PDF)",
        revoke_heading: "Si algo va mal",
        revoke: |authority| {
            format!(
                "¿Pérdida, robo, o alguien más conoce su PIN o contraseña? Haga revocar el \
                 certificado de inmediato: avise a {authority} y tenga a mano el código de \
                 revocación de nuestro correo."
            )
        },
    },
    sign: SignWords {
        title: "Firmar un PDF",
        lead: "Con su certificado en la nube. Todo lo necesario está en el correo que lo \
               acompañaba.",
        step_who: "Acceso",
        step_sign: "Documento, PIN y código",
        username: "Usuario",
        username_hint: "El número de su certificado",
        password: "Contraseña",
        password_hint: "El código de activación de nuestro correo",
        send_code: "Enviarme un código",
        signing_as: |username| format!("Firma como {username}."),
        file: "PDF que desea firmar",
        file_hint: |megabytes| format!("Hasta {megabytes} MB"),
        pin: "Su PIN",
        pin_hint: "El que eligió al obtener el certificado",
        sign: "Firmar y descargar",
        saved: "El PDF firmado se guarda en sus descargas.",
        other: "Usar otro usuario",
    },
    closed: ClosedWords {
        unknown: (
            "No conocemos este enlace",
            "Está incompleto o uno más reciente lo ha sustituido. Abra el enlace de nuestro \
             último correo.",
        ),
        used: (
            "Este enlace ya se ha utilizado",
            "Su certificado fue emitido. Lo necesario para usarlo está en nuestro correo.",
        ),
        expired: (
            "Este enlace ha caducado",
            "Pida uno nuevo a la autoridad de registro que verificó su identidad.",
        ),
        cancelled: (
            "Esta solicitud fue cancelada",
            "No se emitirá ningún certificado. Si le sorprende, pregunte a la autoridad de \
             registro que verificó su identidad.",
        ),
        other_device: (
            "Ha empezado en otro dispositivo",
            "Continúe allí; o espere unos minutos a que caduque el código enviado a ese \
             dispositivo y empiece aquí de nuevo.",
        ),
        guessed: (
            "Demasiados códigos incorrectos",
            "Se han escrito demasiados códigos incorrectos y este enlace ya no sirve. Pida uno nuevo a \
             la autoridad de registro que verificó su identidad.",
        ),
        foreign_form: (
            "Este formulario no es nuestro",
            "Por su seguridad no se ha hecho nada. Abra el enlace de nuestro correo y empiece \
             desde allí.",
        ),
        unreadable: (
            "No hemos podido leer lo que envió su navegador",
            "No se ha hecho nada. Vuelva atrás e inténtelo de nuevo.",
        ),
        too_large: (
            "El archivo es demasiado grande",
            "No se ha hecho nada. Vuelva atrás y elija uno más pequeño.",
        ),
        internal: (
            "Algo ha fallado por nuestra parte",
            "No es culpa suya y no se ha perdido nada. Inténtelo de nuevo en unos minutos. Si se \
             repite, indíquenos esta referencia.",
        ),
        reference: "Referencia",
        back: "Volver",
    },
    notice: NoticeWords {
        heading: "Hay un problema",
        accept_first: "Lea el contrato y marque que lo acepta.",
        code_too_soon: |seconds| {
            format!(
                "Acabamos de enviar un código. Espere a que pasen {seconds} segundos antes de \
                 pedir otro."
            )
        },
        not_delivered: "Ahora mismo no podemos enviar códigos. Inténtelo en unos minutos.",
        code_missing: "Pida primero un código.",
        code_wrong: "Ese no es el código de nuestro último mensaje. Tras varios intentos fallidos \
                     deja de servir y puede pedir uno nuevo.",
        code_expired: "Ese código ha caducado. Pida uno nuevo.",
        code_exhausted: "Demasiados intentos fallidos: ese código ya no sirve. Pida uno nuevo.",
        code_consumed: "Ese código ya se ha usado. Pida uno nuevo.",
        code_void: "El contrato ha cambiado desde que se envió el código. Léalo y pida un código \
                    nuevo.",
        weak_secret: "Use de 8 a 64 caracteres, con al menos 2 letras y 2 cifras.",
        secrets_differ: "Las dos entradas no coinciden. Escríbalas de nuevo.",
        no_key_request: "Elija el archivo con la solicitud de certificado o pegue su texto.",
        unusable_key_request: "Esa solicitud de certificado no se puede usar.",
        storage_full: "Ahora mismo no tenemos espacio y no se ha hecho nada. Inténtelo más tarde.",
        file_taken: "El archivo ya se entregó y no existe copia.",
        wrong_credentials: "El usuario o la contraseña no son correctos, o el certificado ya no \
                            es válido.",
        wrong_pin: "El PIN no es correcto o el certificado ya no es válido.",
        blocked: "Bloqueado tras demasiados intentos fallidos. Pida a su autoridad de registro \
                  que lo desbloquee.",
        signed_out: "Por seguridad se ha cerrado su sesión. Escriba de nuevo usuario y \
                     contraseña.",
        no_file: "Elija el PDF que desea firmar.",
        file_too_large: |megabytes| {
            format!("El archivo es demasiado grande. Puede tener {megabytes} MB como máximo.")
        },
        not_signable: NotSignableWords {
            lead: "Ese archivo no se puede firmar.",
            not_pdf: "No es un PDF.",
            incomplete: "Le falta el final: descárguelo de nuevo de donde lo obtuvo.",
            damaged: "Está dañado: pida una copia correcta a quien lo creó.",
            protected: "Está protegido: elija una copia sin contraseña ni restricciones.",
            closed: "Su autor o una firma anterior ya no permite añadir otras.",
            form: "Es un tipo de formulario que no se puede firmar: imprímalo en un PDF nuevo y \
                   elija ese.",
            unusual: "Está hecho de un modo que no admitimos: imprímalo en un PDF nuevo y elija \
                      ese.",
        },
    },
    moment,
};

fn kinds(holder: Holder) -> &'static str {
    match holder {
        Holder::Individual => "Certificado personal",
        Holder::Member => "Certificado personal como miembro de una organización",
        Holder::Representative => "Certificado de representante",
        Holder::Organisation => "Sello electrónico de una organización",
    }
}

fn days(days: i64) -> String {
    match years_or_days(days) {
        (1, true) => "1 año".to_owned(),
        (years, true) => format!("{years} años"),
        (1, false) => "1 día".to_owned(),
        (days, false) => format!("{days} días"),
    }
}

fn moment(when: OffsetDateTime) -> String {
    let when = when.to_offset(time::UtcOffset::UTC);
    let month = match when.month() {
        Month::January => "enero",
        Month::February => "febrero",
        Month::March => "marzo",
        Month::April => "abril",
        Month::May => "mayo",
        Month::June => "junio",
        Month::July => "julio",
        Month::August => "agosto",
        Month::September => "septiembre",
        Month::October => "octubre",
        Month::November => "noviembre",
        Month::December => "diciembre",
    };
    format!(
        "{} de {month} de {}, {:02}:{:02} UTC",
        when.day(),
        when.year(),
        when.hour(),
        when.minute()
    )
}
