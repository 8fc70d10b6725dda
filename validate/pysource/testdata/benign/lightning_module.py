import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torchmetrics import Accuracy
from tqdm.auto import tqdm


class Lit(pl.LightningModule):
    def __init__(self, net, lr=1e-3):
        super().__init__()
        self.save_hyperparameters(ignore=["net"])
        self.net, self.acc = net, Accuracy(task="multiclass", num_classes=3)

    def training_step(self, batch, _):
        x, y = batch
        loss = F.cross_entropy(self.net(x), y)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        return {"optimizer": opt, "lr_scheduler": torch.optim.lr_scheduler.CosineAnnealingLR(opt, 10)}


if __name__ == "__main__":
    for _ in tqdm(range(3)):
        pass
    torch.save(Lit(torch.nn.Linear(2, 3)).state_dict(), "out.pt")
